import { eq } from 'drizzle-orm';
import { listCommands, type CommandRow } from '../../../src/store/commands.ts';
import { type Booking, bookingsOf } from './journals.ts';
import type { Person } from './person.ts';
import { tell, type World } from './world.ts';

/**
 * The operator at nine in the evening: answers every question that the service leaves open, by looking at what Sticky
 * Cards did and by asking people what they had given. Answers how many there were.
 */
export async function operator(world: World): Promise<number> {
  const bookings = bookingsOf(world.t);
  let acts = 0;
  for (const command of await commandsIn(world, 'unknown')) {
    if (command.nextAttemptAt !== null) continue;
    acts += 1;
    const happened = bookings.some(({ commandId }) => commandId === command.id);
    await decide(world, command, happened ? 'confirm' : 'resend', `command_unknown: ${command.reason}`);
  }
  acts += await confirmLimits(world);
  acts += await answerPoints(world, bookings);
  acts += await answerBonuses(world, bookings);
  const retried = await world.t.api('/retry', { filter: {} });
  return acts + Number(retried.body['count']);
}

const commandsIn = (world: World, state: string): Promise<CommandRow[]> =>
  listCommands(world.t.app.store, { state }, 1000);

function ask(world: World, person: Person | undefined, question: string): void {
  if (!person) return;
  person.asked.push(question);
  tell(world, person, `operator: ${question}`);
}

async function decide(world: World, command: CommandRow, verb: string, question: string): Promise<void> {
  const person = world.people.find(({ customerId }) => customerId === command.params['customerId']);
  ask(world, person, `${question} → ${verb} ${command.id}`);
  const answer = await world.t.api(`/commands/${command.id}/${verb}`, {});
  if (answer.status !== 200) throw new Error(`${verb} ${command.id}: ${JSON.stringify(answer.body)}`);
}

interface OpenProblem {
  id: string;
  code: string;
  recordIds: string[];
}

async function openProblems({ t }: World, code: string): Promise<OpenProblem[]> {
  const { body } = await t.api(`/problems?state=open&code=${code}&limit=100`);
  const { store } = t.app;
  const { problemRecords: r } = store.s;
  return Promise.all(
    (body['items'] as { id: string; code: string }[]).map(async ({ id }) => ({
      id,
      code,
      recordIds: (await store.db.select().from(r).where(eq(r.problemId, id))).map(({ recordId }) => recordId),
    })),
  );
}

/** Beyond the limit, and meant so. */
async function confirmLimits(world: World): Promise<number> {
  const held = await commandsIn(world, 'held');
  if (held.length === 0) return 0;
  for (const problem of await openProblems(world, 'points_limit'))
    await world.t.api(`/problems/${problem.id}/confirm`, {});
  for (const command of held) {
    const person = world.people.find(({ customerId }) => customerId === command.params['customerId']);
    ask(world, person, `points_limit → confirm ${command.id}`);
  }
  for (const command of await commandsIn(world, 'held')) await decide(world, command, 'resend', 'held all the same');
  return held.length;
}

/** "Put the right number into GHL, then press Retry": the number that people mean the card to have. */
async function answerPoints(world: World, bookings: readonly Booking[]): Promise<number> {
  let acts = 0;
  for (const problem of await openProblems(world, 'points_ambiguous')) {
    const busy = new Set<unknown>();
    for (const state of ['pending', 'held', 'sending', 'unknown'])
      for (const command of await commandsIn(world, state)) busy.add(command.params['customerId']);
    if (problem.recordIds.some((id) => busy.has(id))) continue;
    for (const id of problem.recordIds) {
      const person = world.people.find(({ customerId }) => customerId === id);
      if (!person) continue;
      acts += 1;
      await putRight(world, person, bookings);
    }
    await world.t.api(`/problems/${problem.id}/resolve`, {});
  }
  return acts;
}

async function putRight(world: World, person: Person, bookings: readonly Booking[]): Promise<void> {
  const { ghl, stickyCards } = world.t;
  const cardId = ghl.state.contact(person.contactId)?.customFields['card_id'] as string;
  const balance = stickyCards.state.card(cardId)?.balance ?? 0;
  const ofBonus = bonusesPaid(person, bookings, cardId);
  const right = (person.points.get(cardId) ?? 0) + ofBonus;
  ask(world, person, `points_ambiguous: GHL gets ${right}, the card has ${balance}`);
  ghl.ui.updateContact(person.contactId, { customFields: { loyalty_points: right } });
  // GHL shows one card: what was typed for the one before it is booked on that one by hand.
  for (const [other, given] of person.points) {
    const missing = given + bonusesPaid(person, bookings, other) - (stickyCards.state.card(other)?.balance ?? given);
    if (other === cardId || missing === 0) continue;
    stickyCards.till.addPoints(other, missing);
    ask(world, person, `points_ambiguous: card ${other} gets ${missing} by hand`);
  }
  await world.t.api(`/customers/${person.customerId}/retry`, {});
}

export const bonusesPaid = (person: Person, bookings: readonly Booking[], cardId?: string): number =>
  bookings
    .filter((booking) => booking.bonus && booking.customerId === person.customerId)
    .filter((booking) => cardId === undefined || booking.cardId === cardId)
    .reduce((sum, { points }) => sum + points, 0);

/** "Empty bonus_points, wait for the next run, then type the number again": what was given and not paid. */
async function answerBonuses(world: World, bookings: readonly Booking[]): Promise<number> {
  const { ui, state } = world.t.ghl;
  const problems = await openProblems(world, 'bonus_overlap');
  const asked = new Set(problems.flatMap(({ recordIds }) => recordIds));
  // Of one that was emptied the problem may be over by itself: it is typed again all the same.
  const concerned = world.people.filter(({ customerId, bonusEmptied }) => bonusEmptied || asked.has(customerId));
  for (const person of concerned) {
    const standing = state.contact(person.contactId)?.customFields['bonus_points'];
    const owed = person.bonus - bonusesPaid(person, bookings);
    person.bonusEmptied = standing !== undefined && standing !== '';
    if (person.bonusEmptied) {
      ask(world, person, `bonus_overlap: ${JSON.stringify(standing)} stands there, ${owed} are owed; emptied`);
      ui.updateContact(person.contactId, { customFields: { bonus_points: '' } });
    } else {
      if (owed > 0) ui.updateContact(person.contactId, { customFields: { bonus_points: owed } });
      ask(world, person, `bonus_overlap: empty by now, ${owed} typed again`);
    }
  }
  const emptied = new Set(world.people.filter((person) => person.bonusEmptied).map(({ customerId }) => customerId));
  for (const { id, recordIds } of problems)
    if (!recordIds.some((recordId) => emptied.has(recordId))) await world.t.api(`/problems/${id}/resolve`, {});
  return concerned.length;
}
