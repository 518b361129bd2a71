import type { ContactEdit } from '../../../src/simulators/ghl/types.ts';
import type { Edit } from './edits.ts';
import {
  addPoints,
  type Detail,
  emailOf,
  nameOf,
  noteConsent,
  noteDetail,
  noteSegment,
  type Person,
  phoneOf,
  SEGMENTS,
} from './person.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const contactOf = ({ t }: World, { contactId }: Person) => t.ghl.state.contact(contactId);
const update = ({ t }: World, { contactId }: Person, change: ContactEdit) => t.ghl.ui.updateContact(contactId, change);
const custom = (world: World, person: Person, values: Record<string, unknown>) =>
  update(world, person, { customFields: values });
const shown = (world: World, person: Person, key: string): unknown => contactOf(world, person)?.customFields[key];
const shownCardId = (world: World, person: Person) => shown(world, person, 'card_id') as string | undefined;

function setDetail(world: World, person: Person, detail: Detail, value: string | null): string {
  update(world, person, { [detail]: value ?? '' });
  noteDetail(person, detail, 'ghl', value);
  return `${detail} = ${value ?? '(cleared)'}`;
}

/** Below, nobody takes points off: both sides at once could spend what is there only once. */
const LOW = 1500;

/** A number that nobody had before. */
const fresh = (person: Person): number => person.changes + 3;

/** What the service is about to write, once everything given so far has been booked. */
const due = ({ points, bonus }: Person, cardId: string): number => (points.get(cardId) ?? 0) + bonus;

function editPoints(world: World, person: Person, wanted: number): string | null {
  const now = shown(world, person, 'loyalty_points');
  const cardId = shownCardId(world, person);
  if (typeof now !== 'number' || cardId === undefined || (wanted < 0 && now < LOW)) return null;
  // Who types the very number that the service writes a moment later has said nothing that could be told from its echo.
  const by = now + wanted === due(person, cardId) ? wanted + 1 : wanted;
  custom(world, person, { loyalty_points: now + by });
  addPoints(person, cardId, by);
  person.movedInGhl.push(by);
  person.pointsEdited = true;
  return `loyalty_points ${now} → ${now + by} (card ${cardId})`;
}

function editWord(world: World, person: Person, random: Random): string {
  const word = random.pick(['no', 'No', 'opted_out', 'yes', 'IN', 'perhaps', '']);
  custom(world, person, { opt_in_status: word });
  noteConsent(person, { word: word === '' ? null : word, dnd: contactOf(world, person)?.dnd ?? false });
  return `opt_in_status = ${word}`;
}

function switchDnd(world: World, person: Person): string {
  const dnd = !contactOf(world, person)?.dnd;
  world.t.ghl.ui.setDnd(person.contactId, dnd);
  noteConsent(person, { word: (shown(world, person, 'opt_in_status') as string | undefined) ?? null, dnd });
  return `DND ${dnd ? 'on' : 'off'}`;
}

/** A status may be ordered once a phase, of cards that nothing else happens to: which order came last is no question then. */
const mayOrder = (world: World, person: Person): boolean =>
  !person.statusTouched &&
  !person.cardsTouched &&
  world.t.stickyCards.state
    .cards(person.customerId)
    .some(({ cardId, install }) => cardId === shownCardId(world, person) && install !== 'removed');

function typeStatus(world: World, person: Person, random: Random): string | null {
  const cardId = shownCardId(world, person);
  if (cardId === undefined || !mayOrder(world, person)) return null;
  const word = random.pick(['active', 'Inactive', 'SUSPENDED', 'suspended', 'platinum']);
  custom(world, person, { card_status: word });
  person.statusTouched = true;
  if (word !== 'platinum') person.admin.set(cardId, word.toLowerCase());
  return `card_status = ${word}`;
}

function tagCommand(world: World, person: Person, random: Random): string | null {
  const tags = contactOf(world, person)?.tags ?? [];
  const tag = random.pick(['churned', 'reactivated']);
  if (tags.includes(tag) || !mayOrder(world, person)) return null;
  world.t.ghl.ui.addTags(person.contactId, [tag]);
  person.statusTouched = true;
  for (const { cardId, install } of world.t.stickyCards.state.cards(person.customerId))
    if (install !== 'removed') person.admin.set(cardId, tag === 'churned' ? 'inactive' : 'active');
  return `tag ${tag}`;
}

function toggleTag(world: World, person: Person, random: Random): string {
  const { ui } = world.t.ghl;
  const name = random.pick(SEGMENTS);
  const tag = name.toLowerCase();
  const on = !contactOf(world, person)?.tags.includes(tag);
  if (on) ui.addTags(person.contactId, [tag]);
  else ui.removeTags(person.contactId, [tag]);
  noteSegment(person, name, 'ghl', on);
  return `${on ? '+' : '−'}tag ${tag}`;
}

function toggleHandTag(world: World, person: Person, random: Random): string {
  const tag = random.pick(['hand made', 'likes tea', 'vips of 2019']);
  const on = !person.handTags.has(tag);
  if (on) world.t.ghl.ui.addTags(person.contactId, [tag]);
  else world.t.ghl.ui.removeTags(person.contactId, [tag]);
  if (on) person.handTags.add(tag);
  else person.handTags.delete(tag);
  return `${on ? '+' : '−'}tag ${tag}`;
}

/** What people change in GHL. */
export const editsInGhl: readonly Edit[] = [
  {
    weight: 3,
    inRun: true,
    apply: (world, person, random) =>
      setDetail(world, person, random.pick(['firstName', 'lastName']), nameOf(person.n, fresh(person))),
  },
  {
    weight: 1,
    inRun: false,
    apply: (world, person, random) => {
      const detail = random.pick(['firstName', 'lastName'] as const);
      return contactOf(world, person)?.[detail] === undefined ? null : setDetail(world, person, detail, null);
    },
  },
  {
    weight: 1,
    inRun: true,
    apply: (world, person, random) => {
      const email = emailOf(person.n, fresh(person));
      return setDetail(world, person, 'email', random.chance(0.3) ? email.toUpperCase() : email);
    },
  },
  {
    weight: 1,
    inRun: true,
    apply: (world, person) => setDetail(world, person, 'phone', phoneOf(person.n, fresh(person))),
  },
  {
    weight: 0.3,
    inRun: false,
    apply: (world, person) =>
      contactOf(world, person)?.phone === undefined ? null : setDetail(world, person, 'phone', null),
  },
  {
    weight: 5,
    inRun: true,
    apply: (world, person, random) => editPoints(world, person, random.int(1, 400) * (random.chance(0.3) ? -1 : 1)),
  },
  {
    weight: 0.4,
    inRun: false,
    apply: (world, person, random) => editPoints(world, person, random.int(1001, 1900)),
  },
  {
    weight: 0.5,
    inRun: false,
    apply: (world, person) => {
      // An edit that nobody has read yet would be cleared with it.
      if (person.pointsEdited || typeof shown(world, person, 'loyalty_points') !== 'number') return null;
      custom(world, person, { loyalty_points: '' });
      return 'loyalty_points cleared';
    },
  },
  {
    weight: 3,
    inRun: true,
    apply: (world, person, random) => {
      const before = shown(world, person, 'bonus_points');
      if ((before !== undefined && before !== '') || shownCardId(world, person) === undefined) return null;
      const points = random.pick([5, 10, 25, 50]);
      custom(world, person, { bonus_points: points });
      person.bonus += points;
      person.movedInGhl.push(points);
      person.bonusGiven = true;
      return `bonus_points = ${points}`;
    },
  },
  { weight: 1, inRun: false, apply: typeStatus },
  { weight: 1, inRun: false, apply: tagCommand },
  { weight: 1.5, inRun: true, apply: editWord },
  { weight: 1, inRun: true, apply: switchDnd },
  { weight: 2, inRun: true, apply: toggleTag },
  { weight: 1, inRun: true, apply: toggleHandTag },
];
