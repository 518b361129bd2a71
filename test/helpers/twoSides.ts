import { hasDueCustomers } from '../../src/store/pairs.ts';
import { listCommands } from '../../src/store/commands.ts';
import { hasDueMarks } from '../../src/store/marks.ts';
import { appear, meet } from './twoSides/appear.ts';
import { edit, meddle } from './twoSides/edits.ts';
import { calmDown, calmWebhooks, plagueWebhooks } from './twoSides/faults.ts';
import { writesOf } from './twoSides/journals.ts';
import { judge, type Violation } from './twoSides/judge.ts';
import type { Mix } from './twoSides/mixes.ts';
import { operator } from './twoSides/operator.ts';
import type { Person } from './twoSides/person.ts';
import { storyOf } from './twoSides/story.ts';
import { deliver, endWorld, note, run, startWorld, type World } from './twoSides/world.ts';

export { type Mix, MIXES } from './twoSides/mixes.ts';

export interface WorldReport {
  seed: number;
  mix: string;
  sequences: number;
  /** Sequences in which an operator had to decide, and what about. */
  asked: { sequences: number; questions: Record<string, number> };
  edits: number;
  writes: { ghl: number; stickycards: number };
  violations: { rule: string; text: string; story: string }[];
}

const ROUNDS = 3;
/** Until all is quiet, so many runs at most. */
const CALM_RUNS_MAX = 40;
/** Writes that a change may cost at most, on both sides together, and those that a person costs before any. */
const WRITES_PER_CHANGE = 5;
const WRITES_PER_PERSON = 14;

/**
 * One world of so many people: after that of their appearing so many phases of trouble, each followed by calm. Stops at
 * the first phase that leaves something wrong.
 */
export async function runWorld(seed: number, people: number, mix: Mix, phases = 2): Promise<WorldReport> {
  const world = await startWorld(seed, mix);
  let violations: Violation[] = [];
  try {
    for (let phase = 0; phase <= phases && violations.length === 0; phase++) {
      note(world, `phase ${phase}`);
      plagueWebhooks(world);
      for (let round = 0; round < ROUNDS; round++) await trouble(world, phase, round, people);
      violations = [
        ...(await calm(world)),
        ...judge(world),
        ...askedForNothing(world),
        ...(await stillQuiet(world)),
        ...tooMuch(world),
      ];
      for (const person of world.people) person.linked = true;
    }
    return await reportOf(world, violations);
  } finally {
    await endWorld(world);
  }
}

async function trouble(world: World, phase: number, round: number, people: number): Promise<void> {
  const { random, mix, clock } = world;
  if (phase === 0) {
    const until = round === ROUNDS - 1 ? people : Math.floor((people * (round + 1)) / ROUNDS);
    while (world.people.length < until) appear(world, world.people.length);
  } else {
    for (const person of world.people) {
      if (phase === 1 && round === 0 && person.origin === 'ghl') fillCard(world, person);
      for (let n = random.int(0, 2); n > 0; n--) {
        edit(world, person, random.chance(0.6) ? 'ghl' : 'stickycards', random, false);
        if (random.chance(0.1)) await deliver(world, random.chance(0.5));
      }
    }
  }
  if (mix.pauseMs > 0) clock.ahead(random.int(mix.pauseMs, 2 * mix.pauseMs));
  for (let runs = random.int(1, 2); runs > 0; runs--) {
    if (random.chance(0.7)) await deliver(world, random.chance(0.3));
    if (phase > 0) meddle(world);
    await run(world);
    world.onCall = null;
  }
  if (mix.pauseMs > 0) clock.ahead(random.int(mix.pauseMs, 2 * mix.pauseMs));
}

/** Whoever comes from GHL has a card without points; then there is something to take off. */
function fillCard({ t }: World, person: Person): void {
  const [card] = t.stickyCards.state.cards(person.customerId);
  if (!card) return;
  t.stickyCards.till.addPoints(card.cardId, 3000);
  person.points.set(card.cardId, (person.points.get(card.cardId) ?? 0) + 3000);
}

/** Nothing goes wrong any more: what is left is delivered, questions are answered, until a run writes nothing. */
async function calm(world: World): Promise<Violation[]> {
  const { t, clock } = world;
  note(world, 'calm');
  calmDown(world);
  calmWebhooks(world);
  let quiet = 0;
  for (let runs = 0; runs < CALM_RUNS_MAX; runs++) {
    await deliver(world, true);
    if (runs === 1) await tellUntold(world);
    const before = writesOf(t);
    clock.ahead(runs < 6 ? 150_000 : 4_500_000);
    await t.run();
    for (const person of world.people) if (person.customerId === '' || person.contactId === '') meet(world, person);
    const acts = await operator(world);
    const after = writesOf(t);
    const still = acts === 0 && before.ghl === after.ghl && before.stickycards === after.stickycards;
    quiet = still && runs > 1 && !(await findsWork(world)) ? quiet + 1 : 0;
    if (quiet === 2) return [];
  }
  return [{ rule: 'never quiet', person: null, text: `still at work after ${CALM_RUNS_MAX} runs` }];
}

async function findsWork({ t }: World): Promise<boolean> {
  const { store } = t.app;
  if ((await hasDueMarks(store, 'default')) || (await hasDueCustomers(store, 'default'))) return true;
  for (const state of ['pending', 'sending', 'unknown', 'held'])
    if ((await listCommands(store, { state }, 1)).length > 0) return true;
  return false;
}

/** An event without its value asks for a read: so that what no event tells, or what was lost, becomes known. */
async function tellUntold(world: World): Promise<void> {
  for (const person of world.people) {
    if (person.customerId === '' || (!person.untold && world.mix.lostOfSticky === 0)) continue;
    person.untold = false;
    const { email, phone } = world.t.stickyCards.state.customer(person.customerId) ?? {};
    await world.t.deliver({
      event_type: 'CustomerSegmentLinkedEvent',
      timestamp: new Date(world.clock.nowMs()).toISOString(),
      customer_id: person.customerId,
      email,
      phone_number: phone,
    });
  }
}

/** A further run makes no write (SPEC §3.3). */
async function stillQuiet(world: World): Promise<Violation[]> {
  const before = writesOf(world.t);
  world.clock.ahead(3000);
  await deliver(world, true);
  await world.t.run();
  const after = writesOf(world.t);
  if (after.ghl === before.ghl && after.stickycards === before.stickycards) return [];
  return [{ rule: 'not quiet', person: null, text: `${JSON.stringify(before)} → ${JSON.stringify(after)}` }];
}

/** Where no answer, no process and no webhook was lost there is nothing to ask, but whether a great number was meant. */
function askedForNothing({ mix, people }: World): Violation[] {
  if (mix.lostAnswers + mix.lostRequests + mix.refusals + mix.lostOfGhl + mix.crashes + mix.restarts > 0) return [];
  return people.flatMap((person) =>
    person.asked
      .filter((question) => !question.startsWith('points_limit'))
      .map((text) => ({ rule: 'asked for nothing', person, text })),
  );
}

function tooMuch(world: World): Violation[] {
  const { ghl, stickycards } = writesOf(world.t);
  const changes = world.people.reduce((sum, person) => sum + person.changes + person.asked.length, 0);
  const allowed = WRITES_PER_CHANGE * changes + WRITES_PER_PERSON * world.people.length;
  if (ghl + stickycards <= allowed) return [];
  const text = `${ghl} writes to GHL and ${stickycards} to Sticky Cards for ${changes} changes`;
  return [{ rule: 'too many writes', person: null, text }];
}

async function reportOf(world: World, violations: readonly Violation[]): Promise<WorldReport> {
  const questions: Record<string, number> = {};
  for (const question of world.people.flatMap(({ asked }) => asked)) {
    const about = /^[a-z_ ]+/.exec(question)?.[0].trim() ?? question;
    questions[about] = (questions[about] ?? 0) + 1;
  }
  const told: WorldReport['violations'] = [];
  for (const { rule, text, person } of violations)
    told.push({ rule, text, story: person ? await storyOf(world, person) : '' });
  return {
    seed: world.seed,
    mix: world.mix.name,
    sequences: world.people.length,
    asked: { sequences: world.people.filter(({ asked }) => asked.length > 0).length, questions },
    edits: world.people.reduce((sum, { changes }) => sum + changes, 0),
    writes: writesOf(world.t),
    violations: told,
  };
}
