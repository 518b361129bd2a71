import type { StickyCardsSimulator } from './simulator.ts';
import type { Till } from './till.ts';
import type { SimulatedCard, SimulatedCustomer } from './types.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 9 * 60;

/** Invented people; one without an e-mail, one without a phone, one with neither (real data has them). */
const PEOPLE = {
  ada: { firstName: 'Ada', lastName: 'Miller', email: 'ada.miller@example.com', phone: '+12125550142' },
  ben: { firstName: 'Ben', lastName: 'Okafor', email: 'ben.okafor@example.com', phone: '+12125550143' },
  cleo: { firstName: 'Cleo', lastName: 'Santos', email: 'cleo.santos@example.com', phone: '+12125550144' },
  dora: { firstName: 'Dora', lastName: 'Lindqvist', phone: '+12125550145' },
  emil: { firstName: 'Emil', lastName: 'Varga', email: 'emil.varga@example.com' },
  fay: { firstName: 'Fay', lastName: "O'Neil", email: 'fay.oneil@example.com', phone: '+12125550147' },
  gus: { firstName: 'Gus', lastName: 'Núñez', email: 'gus.nunez@example.com', phone: '+12125550148' },
  hana: { firstName: 'Hana' },
} as const;
type Name = keyof typeof PEOPLE;

/** Always the same ids, so that two sandboxes show the same day. */
const idOf = (name: Name): string => {
  const number = String(Object.keys(PEOPLE).indexOf(name) + 1).padStart(12, '0');
  return `00000000-0000-7000-8000-${number}`;
};
const cardIdOf = (customerId: string): string => `500100-000-${customerId.slice(-3)}`;

/** What happens at which minute after opening. */
function playDay(sim: StickyCardsSimulator, openedAtMs: number): SimulatedCustomer[] {
  const at = (minute: number): Till => sim.tillAt(openedAtMs + Math.round(minute * MINUTE_MS));
  const join = (minute: number, name: Name): SimulatedCustomer =>
    at(minute).createCustomer({ ...PEOPLE[name], customerId: idOf(name) });
  const issue = (minute: number, { customerId }: SimulatedCustomer): SimulatedCard =>
    at(minute).issueCard(customerId, { cardId: cardIdOf(customerId) });
  /** Issued, then put into the wallet a moment later (sticky-cards.md §6: about 3 s apart). */
  const takeCard = (minute: number, customer: SimulatedCustomer): SimulatedCard =>
    at(minute + 0.05).installCard(issue(minute, customer).cardId);

  const ada = join(0, 'ada');
  const adaCard = takeCard(1, ada);
  const ben = join(12, 'ben');
  const benCard = takeCard(13, ben);
  at(20).scan(adaCard.cardId);
  at(20.2).addPoints(adaCard.cardId, 120);
  sim.webhooks.repeatLast();
  at(21).pay(ada.customerId, { amount: 12.5, cardId: adaCard.cardId, paymentId: `pay_${openedAtMs}_1` });

  const cleo = join(45, 'cleo');
  const cleoCard = takeCard(46, cleo);
  at(60).refer(ada.customerId);
  at(75).linkSegment(ada.customerId, 'VIP');
  at(76).linkSegment(cleo.customerId, 'Morning regulars');

  const dora = join(90, 'dora');
  issue(91, dora);
  const emil = join(120, 'emil');
  const emilCard = takeCard(121, emil);

  // The earlier of two balances arrives after the later one.
  const release = sim.webhooks.holdNext();
  at(150).addPoints(benCard.cardId, 30);
  at(165).addPoints(benCard.cardId, 25);
  release();

  at(180).feedback(ben.customerId, { rating: 5, comment: 'Best flat white in the street.' });
  at(200).feedback(cleo.customerId, { rating: 2, comment: 'Waited twenty minutes at the counter.' });
  at(210).payFailed(cleo.customerId, { amount: 24, cardId: cleoCard.cardId, paymentId: `pay_${openedAtMs}_2` });

  const fay = join(240, 'fay');
  const fayCard = takeCard(241, fay);
  at(250).addPoints(fayCard.cardId, 15);
  const fayPaid = at(260).pay(fay.customerId, { amount: 40, cardId: fayCard.cardId, paymentId: `pay_${openedAtMs}_3` });
  at(300).refund(fayPaid.paymentId);

  const gus = join(320, 'gus');
  const gusCard = takeCard(321, gus);
  at(330).recurrentFailed(gus.customerId, { amount: 9.9, cardId: gusCard.cardId, paymentId: `pay_${openedAtMs}_4` });
  at(400).removeCard(gusCard.cardId);
  at(420).expireCard(emilCard.cardId);
  const hana = join(440, 'hana');
  at(480).scan(benCard.cardId);
  return [ada, ben, cleo, dora, emil, fay, gus, hana];
}

/**
 * A small realistic day: eight people, all 14 events, one delivery twice and one late. It ends at the simulator's clock
 * and plays once: on an account that has had it nothing happens. Answers the people.
 */
export function playSmallDay(sim: StickyCardsSimulator): SimulatedCustomer[] {
  return sim.state.customer(idOf('ada')) ? [] : playDay(sim, Math.trunc(sim.now()) - DAY_MINUTES * MINUTE_MS);
}
