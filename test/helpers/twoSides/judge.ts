import type { SimulatedContact } from '../../../src/simulators/ghl/types.ts';
import type { SimulatedCard, SimulatedCustomer } from '../../../src/simulators/stickycards/types.ts';
import { LOCATION } from '../testApp.ts';
import { whenQuiet } from './consentModel.ts';
import { bookingsOf } from './journals.ts';
import { bonusesPaid } from './operator.ts';
import { DETAILS, type Detail, type Person } from './person.ts';
import type { World } from './world.ts';

export interface Violation {
  rule: string;
  person: Person | null;
  text: string;
}

const canonical = (detail: Detail, value: string | null | undefined): string | null => {
  const text = (value ?? '').normalize('NFC').trim();
  if (text === '') return null;
  return detail === 'email' ? text.toLowerCase() : text;
};

/** What both sides show, against the rules of SPEC §3.2 and §3.3. What is found is what the next phase begins with. */
export function judge(world: World): Violation[] {
  const found: Violation[] = [];
  const { ghl, stickyCards } = world.t;
  const contacts = ghl.state.contacts(LOCATION).length;
  const customers = stickyCards.state.customers().length;
  const all = world.people.length;
  if (contacts !== all) found.push({ rule: 'doubled', person: null, text: `${contacts} contacts of ${all} people` });
  if (customers !== all) found.push({ rule: 'doubled', person: null, text: `${customers} customers of ${all} people` });
  const bookings = bookingsOf(world.t);
  const twice = [...Map.groupBy(bookings, ({ commandId }) => commandId)].filter(([, list]) => list.length > 1);
  for (const [commandId, list] of twice) {
    const person = world.people.find(({ customerId }) => customerId === list[0]?.customerId) ?? null;
    found.push({ rule: 'booked twice', person, text: `${commandId} was booked ${list.length} times` });
  }
  for (const person of world.people) {
    const contact = ghl.state.contact(person.contactId);
    const customer = stickyCards.state.customer(person.customerId);
    const say = (rule: string, text: string) => found.push({ rule, person, text });
    if (!contact || !customer) {
      say('not linked', `contact ${contact ? 'there' : 'missing'}, customer ${customer ? 'there' : 'missing'}`);
      continue;
    }
    const cards = stickyCards.state.cards(person.customerId);
    judgeDetails(person, contact, customer, say);
    judgePoints(person, contact, cards, bonusesPaid(person, bookings), say);
    judgeTags(person, contact, customer, cards, say);
    judgeStatus(person, contact, cards, say);
    judgeConsent(person, contact, customer, say);
  }
  return found;
}

type Say = (rule: string, text: string) => void;

function judgeDetails(person: Person, contact: SimulatedContact, customer: SimulatedCustomer, say: Say): void {
  for (const detail of DETAILS) {
    const ghl = canonical(detail, contact[detail]);
    const sticky = canonical(detail, customer[detail]);
    const known = person.details[detail];
    const fits = !person.linked
      ? ghl === sticky
      : allowed(detail, known).some((pair) => pair.ghl === ghl && pair.stickycards.includes(sticky));
    if (!fits)
      say(
        'contact details',
        `${detail}: GHL ${ghl}, Sticky Cards ${sticky}; before ${known.ghl}/${known.stickycards}, then ${JSON.stringify(known.edits)}`,
      );
    Object.assign(known, { ghl, stickycards: sticky, edits: [] });
  }
}

/** Which values may stand there: GHL is the source of truth, a Sticky change after it may have come in time or not. */
function allowed(
  detail: Detail,
  known: Person['details'][Detail],
): { ghl: string | null; stickycards: (string | null)[] }[] {
  const edits = known.edits.map(({ side, value }) => ({ side, value: canonical(detail, value) }));
  const last = edits.at(-1);
  if (!last) return [{ ghl: known.ghl, stickycards: [known.stickycards] }];
  const lastOfGhl = edits.findLast(({ side }) => side === 'ghl');
  // A cleared phone or e-mail is neither written nor refilled: Sticky Cards keeps one of those it had.
  const holds = detail === 'phone' || detail === 'email';
  const ofGhl = lastOfGhl
    ? lastOfGhl.value === null && holds
      ? [{ ghl: null, stickycards: [known.stickycards, ...edits.map(({ value }) => value)] }]
      : [{ ghl: lastOfGhl.value, stickycards: [lastOfGhl.value] }]
    : [];
  if (last.side === 'ghl') return ofGhl;
  const clearedInGhl = (lastOfGhl ? lastOfGhl.value : known.ghl) === null && holds;
  return [...ofGhl, { ghl: clearedInGhl ? null : last.value, stickycards: [last.value] }];
}

function judgePoints(person: Person, contact: SimulatedContact, cards: SimulatedCard[], paid: number, say: Say): void {
  const primary = primaryOf(cards);
  const shown = contact.customFields['loyalty_points'];
  if (shown !== primary?.balance)
    say('points shown', `GHL shows ${JSON.stringify(shown)}, the card has ${primary?.balance}`);
  const sum = cards.reduce((total, { balance }) => total + balance, 0);
  const expected = [...person.points.values()].reduce((total, points) => total + points, 0) + person.bonus;
  if (sum !== expected) say('points', `${sum} points on the cards, ${expected} were given`);
  if (paid !== person.bonus) say('bonus', `bonuses of ${person.bonus} were given, ${paid} were paid`);
  if (!person.bonusGiven)
    for (const { cardId, balance } of cards)
      if (balance !== person.points.get(cardId))
        say('points of a card', `card ${cardId} has ${balance}, ${person.points.get(cardId)} were given`);
  const bonus = contact.customFields['bonus_points'] ?? '';
  if (bonus !== '') say('bonus', `bonus_points still shows ${JSON.stringify(bonus)}`);
}

function judgeTags(
  person: Person,
  contact: SimulatedContact,
  customer: SimulatedCustomer,
  cards: SimulatedCard[],
  say: Say,
): void {
  for (const [name, known] of person.segments) {
    const ghl = contact.tags.includes(name.toLowerCase());
    const sticky = customer.segments.includes(name);
    const sides = new Set(known.edits.map(({ side }) => side));
    const wanted = sides.size === 0 ? known.on : sides.size === 1 ? known.edits.at(-1)?.on : undefined;
    const fits = ghl === sticky && (!person.linked || wanted === undefined || ghl === wanted);
    if (!fits)
      say(
        'segments',
        `${name}: GHL ${ghl}, Sticky Cards ${sticky}; before ${known.on}, then ${JSON.stringify(known.edits)}`,
      );
    Object.assign(known, { on: sticky, edits: [] });
  }
  for (const tag of ['hand made', 'likes tea', 'vips of 2019'])
    if (contact.tags.includes(tag) !== person.handTags.has(tag)) say('tags of people', `${tag} was touched`);
  const holder = cards.some(({ install }) => install === 'installed');
  if (contact.tags.includes('card holder') !== holder) say('own tags', `card holder although installed: ${holder}`);
  if (contact.tags.includes('referrer') !== customer.referralCount > 0) say('own tags', 'referrer');
}

function judgeStatus(person: Person, contact: SimulatedContact, cards: SimulatedCard[], say: Say): void {
  const primary = primaryOf(cards);
  const admin = primary && person.admin.get(primary.cardId);
  const expected = admin === 'inactive' || admin === 'suspended' ? admin : primary?.install;
  const { card_status: status, card_id: cardId } = contact.customFields;
  if (cardId !== primary?.cardId) say('card shown', `GHL shows ${JSON.stringify(cardId)}, it is ${primary?.cardId}`);
  else if (status !== expected) say('card status', `GHL shows ${JSON.stringify(status)}, it is ${expected}`);
  if (person.statusTouched && !person.cardsTouched)
    for (const card of cards) {
      const ordered = person.admin.get(card.cardId);
      if (ordered !== undefined && card.status.toLowerCase() !== ordered)
        say('card status', `${card.cardId} is ${card.status}, ${ordered} was ordered`);
    }
  Object.assign(person, { statusTouched: false, cardsTouched: false, pointsEdited: false });
}

function judgeConsent(person: Person, contact: SimulatedContact, customer: SimulatedCustomer, say: Say): void {
  const word = (contact.customFields['opt_in_status'] as string | undefined) ?? null;
  const now = { word: word === '' ? null : word, dnd: contact.dnd };
  const quiet = whenQuiet(person.consent, now);
  if (!quiet.some(({ optIn }) => optIn === customer.optIn))
    say('consent', `Sticky Cards says ${customer.optIn}; allowed ${JSON.stringify(quiet)}`);
  person.consent = [{ ...now, optIn: customer.optIn }];
}

/** SPEC §2.4: not removed or expired, the newest install, the smallest id. */
function primaryOf(cards: readonly SimulatedCard[]): SimulatedCard | undefined {
  const gone = ({ install }: SimulatedCard) => (install === 'removed' || install === 'expired' ? 1 : 0);
  return cards.toSorted(
    (a, b) =>
      gone(a) - gone(b) ||
      (b.installedAtMs ?? -Infinity) - (a.installedAtMs ?? -Infinity) ||
      (a.cardId < b.cardId ? -1 : 1),
  )[0];
}
