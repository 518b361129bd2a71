import type { Edit } from './edits.ts';
import {
  addPoints,
  DETAILS,
  type Detail,
  emailOf,
  looksBooked,
  nameOf,
  noteAtTill,
  noteDetail,
  noteSegment,
  type Person,
  phoneOf,
  SEGMENTS,
} from './person.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const isInRun = (world: World): boolean => world.onCall !== null;

const cardsOf = ({ t }: World, { customerId }: Person) => t.stickyCards.state.cards(customerId);

function movePoints(world: World, person: Person, random: Random): string | null {
  const card = random.pick(cardsOf(world, person));
  const by = random.int(1, 400) * (random.chance(0.3) ? -1 : 1);
  if ((by < 0 && card.balance < 1500) || looksBooked(person, card.cardId, by)) return null;
  world.t.stickyCards.till.addPoints(card.cardId, by);
  noteAtTill(person, card.cardId, by);
  addPoints(person, card.cardId, by);
  return `card ${card.cardId} ${card.balance} → ${card.balance + by}`;
}

function changeDetail(world: World, person: Person, random: Random): string {
  const detail: Detail = random.pick(DETAILS);
  const k = person.changes + 3;
  const value =
    detail === 'email' ? emailOf(person.n, k) : detail === 'phone' ? phoneOf(person.n, k) : nameOf(person.n, k);
  const { till } = world.t.stickyCards;
  till.updateCustomer(person.customerId, { [detail]: value });
  noteDetail(person, detail, 'stickycards', value);
  // Nothing tells of the change itself: the next event about the person does.
  till.scan(random.pick(cardsOf(world, person)).cardId);
  return `${detail} = ${value}, and a scan`;
}

function toggleSegment(world: World, person: Person, random: Random): string {
  const { till, state } = world.t.stickyCards;
  const name = random.pick(SEGMENTS);
  const on = !state.customer(person.customerId)?.segments.includes(name);
  if (on) till.linkSegment(person.customerId, name);
  else till.unlinkSegment(person.customerId, name);
  // No event says that somebody left a segment.
  if (!on) person.untold = true;
  noteSegment(person, name, 'stickycards', on);
  if (isInRun(world)) {
    // Between our read of the set and our write of it: the platform keeps what was written last, and tells nobody.
    person.untold = true;
    noteSegment(person, name, 'ghl', on);
  }
  return `${on ? '+' : '−'}segment ${name}`;
}

function changeCard(world: World, person: Person, random: Random): string | null {
  if (person.statusTouched) return null;
  const { till } = world.t.stickyCards;
  const cards = cardsOf(world, person);
  const card = random.pick(cards);
  // Which card was installed last is told by its event alone.
  const another = cards.length < 2 && world.mix.lostOfSticky === 0 && random.chance(0.4);
  if (!another && card.install !== 'issued' && card.install !== 'installed') return null;
  person.cardsTouched = true;
  if (another) {
    const { cardId } = till.issueCard(person.customerId, { balance: random.int(3000, 4000) });
    addPoints(person, cardId, world.t.stickyCards.state.card(cardId)?.balance ?? 0);
    if (random.chance(0.6)) till.installCard(cardId);
    return `another card, ${cardId}`;
  }
  if (card.install === 'issued') till.installCard(card.cardId);
  else till.removeCard(card.cardId);
  return `card ${card.cardId} ${card.install === 'issued' ? 'installed' : 'removed'}`;
}

/** What happens in the shop. */
export const editsInSticky: readonly Edit[] = [
  { weight: 5, inRun: true, apply: movePoints },
  { weight: 2, inRun: true, apply: changeDetail },
  { weight: 2, inRun: true, apply: toggleSegment },
  { weight: 1, inRun: true, apply: changeCard },
  {
    weight: 1,
    inRun: true,
    apply: (world, person, random) => {
      world.t.stickyCards.till.scan(random.pick(cardsOf(world, person)).cardId);
      return 'scan';
    },
  },
  {
    weight: 0.5,
    inRun: true,
    apply: (world, person) => {
      // Its event alone tells of it.
      if (world.mix.lostOfSticky > 0) return null;
      world.t.stickyCards.till.refer(person.customerId);
      return 'a referral';
    },
  },
];
