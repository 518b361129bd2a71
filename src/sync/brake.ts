import {
  BRAKE_LIMITS,
  type BrakeState,
  brokenLimits,
  changesOfPair,
  type MassCounts,
  type MassLimit,
  noChanges,
} from '../domain/brake.ts';
import { planTags } from '../domain/plan.ts';
import { seenAtMs } from '../domain/observe.ts';
import { planSegments, segmentStatedAtMs } from '../domain/segmentPlan.ts';
import { AppError } from '../errors.ts';
import { countLinked, dueLinkedPeople, type DuePerson } from '../store/brakeQueries.ts';
import { readBrake, writeBrake } from '../store/brakeState.ts';
import type { ContactRow } from '../store/contacts.ts';
import { type Pair, pairsOfCustomers } from '../store/pairs.ts';
import { clearProblems, raiseProblems, updateSample } from '../store/problems.ts';
import type { Store } from '../store/store.ts';
import { type ContactReads, countMarked } from './brakeReads.ts';
import type { JobContext } from './jobContext.ts';
import type { JobQueue } from './jobQueue.ts';
import { planOf, wantedTags } from './pairValues.ts';
import { createSuspicion } from './brakeSuspects.ts';

/** What one contact may move without a person: its points by the limit, and a bonus of as much (SPEC §3.3). */
const EDITS_OF_POINTS = 2;
/** Fewer contacts than these cannot break a limit but that of tags, so that a small run does not read them twice. */
const marksMin = (pointsLimit: number): number => {
  const points = Math.floor(BRAKE_LIMITS.pointsMoved / (EDITS_OF_POINTS * Math.max(1, pointsLimit))) + 1;
  return Math.min(points, BRAKE_LIMITS.contactsMin);
};
const PAGE = 200;
/** A stopped connection is counted again by the clock this often. */
const LOOK_AGAIN_MS = 15 * 60_000;

/** The run would change too much at once and has written nothing (SPEC §6, Brake). */
export class MassChange extends AppError {
  constructor(counts: MassCounts, broken: readonly MassLimit[]) {
    super(
      'mass_change',
      `stopped before writing: ${inWords(counts, broken)}. Confirm the problem "mass_change" to let it go`,
      {
        retry: 'later',
        details: { ...counts },
      },
    );
    this.name = 'MassChange';
  }
}

const inWords = (counts: MassCounts, broken: readonly MassLimit[]): string => {
  const words: Record<MassLimit, string> = {
    contactChanges: `it would change the name, phone or e-mail of ${counts.contactChanges} of ${counts.linked} linked people`,
    tagsOff: `it would take off ${counts.tagsOff} tags`,
    pointsMoved: `it would move ${counts.pointsMoved} points from GHL`,
  };
  return broken.map((limit) => words[limit]).join('; ');
};

/** Whether a run by the clock leaves a stopped connection alone for now: counting may cost a read per contact. */
export async function brakeRests(store: Store, connectionId: string): Promise<boolean> {
  const brake = await readBrake(store, store.db, connectionId);
  return brake?.state === 'stopped' && store.clock.nowMs() < brake.lookAgainAtMs;
}

export interface Brake {
  /** What was read of contacts on the way: their jobs need not read them again at once. */
  reads: ContactReads | null;
  /** The run is finished: what a person let go was done. */
  release(): Promise<void>;
}

/**
 * Counts what the run would change before anything is written, and throws MassChange where that is too much at once
 * (SPEC §6, Brake). What a person confirmed goes, once. Small runs are not counted.
 */
export async function applyBrake(ctx: JobContext, jobs: JobQueue): Promise<Brake> {
  const { store, connection } = ctx;
  const brake = await readBrake(store, store.db, connection.id);
  const counted = await countChanges(ctx, jobs);
  const confirmed = brake?.state === 'confirmed' ? brake.counts : null;
  const broken = counted ? brokenLimits(counted.counts, confirmed) : [];
  if (counted && broken.length > 0) {
    await stop(ctx, counted.counts, broken);
    throw new MassChange(counted.counts, broken);
  }
  // What was to be changed is not to be changed any more, or was put right.
  if (brake?.state === 'stopped') await forget(ctx);
  return {
    reads: counted?.reads ?? null,
    release: async () => {
      if (brake?.state === 'confirmed') await forget(ctx);
    },
  };
}

async function stop(
  { store, connection }: JobContext,
  counts: MassCounts,
  broken: readonly MassLimit[],
): Promise<void> {
  const atMs = store.clock.nowMs();
  const brake: BrakeState = { state: 'stopped', counts, atMs, lookAgainAtMs: atMs + LOOK_AGAIN_MS };
  const sample = { ...counts, broken: [...broken], message: inWords(counts, broken) };
  await store.tx(async (db) => {
    await writeBrake(store, db, connection.id, brake);
    const problem = { code: 'mass_change', recordId: connection.id, sample };
    await raiseProblems(store, db, connection.id, [problem]);
    await updateSample(store, db, connection.id, problem);
  });
}

const forget = ({ store, connection }: JobContext): Promise<void> =>
  store.tx(async (db) => {
    await writeBrake(store, db, connection.id, null);
    await clearProblems(store, db, connection.id, connection.id, ['mass_change']);
  });

/** null = too little to change for any limit: a small run costs two queries. */
async function countChanges(
  ctx: JobContext,
  jobs: JobQueue,
): Promise<{ counts: MassCounts; reads: ContactReads | null } | null> {
  const { store, connection } = ctx;
  const counts = { linked: 0, ...noChanges() };
  const add = (pair: Pair, contact: ContactRow | null) => {
    const more = changesOf(ctx, pair, contact);
    counts.contactChanges += more.contactChanges;
    counts.tagsOff += more.tagsOff;
    counts.pointsMoved += more.pointsMoved;
  };
  // Marked contacts first: what a read shows says more than what was seen before.
  const reads = ctx.halves.toSticky ? await countMarked(ctx, jobs, marksMin(connection.pointsLimit), add) : null;
  const { ids, most } = ctx.halves.toGhl ? await suspects(ctx, reads?.counted) : NOBODY;
  const atMost = (linked: number) => ({
    linked,
    contactChanges: counts.contactChanges + most.contact,
    tagsOff: counts.tagsOff + most.tags,
    pointsMoved: counts.pointsMoved,
  });
  // The share of nobody: what passes this passes any, and the linked people need not be counted.
  if (!reads && brokenLimits(atMost(0), null).length === 0) return null;
  counts.linked = await countLinked(store, connection.id);
  // The exact count costs ten times as much; it is made where it matters.
  if (brokenLimits(atMost(counts.linked), null).length === 0) return { counts, reads };
  for (let from = 0; from < ids.length; from += PAGE) {
    ctx.signal.throwIfAborted();
    for (const pair of await pairsOfCustomers(store, connection.id, ids.slice(from, from + PAGE)))
      add(pair, pair.contact);
    await breath();
  }
  return { counts, reads };
}

/** Whoever waits for an answer meanwhile goes first. */
const breath = () => new Promise((resolve) => setImmediate(resolve));

const NOBODY: Awaited<ReturnType<typeof suspects>> = { ids: [], most: { contact: 0, tags: 0 } };

/** Those among the people who are due whose jobs may change what is counted, and how much that is at most. */
async function suspects(ctx: JobContext, counted: ReadonlySet<string> | undefined) {
  const suspicion = createSuspicion(ctx);
  const ids: string[] = [];
  const most = { contact: 0, tags: 0 };
  for (let people: DuePerson[], after = ''; ; after = people.at(-1)?.stickycardsId ?? '') {
    ctx.signal.throwIfAborted();
    people = await dueLinkedPeople(ctx.store, ctx.connection.id, after, PAGE);
    for (const person of people) {
      if (counted?.has(person.stickycardsId)) continue;
      const { contact, tags } = suspicion(person);
      if (!contact && tags === 0) continue;
      ids.push(person.stickycardsId);
      most.contact += contact ? 1 : 0;
      most.tags += tags;
    }
    if (people.length < PAGE) return { ids, most };
    await breath();
  }
}

/** What the job of this pair would write, as far as it can be told beforehand. */
function changesOf(ctx: JobContext, pair: Pair, contact: ContactRow | null) {
  const { link, customer } = pair;
  if (!link) return noChanges();
  const seen = contact?.seenBy === 'answer' ? contact : null;
  const ghlTags = seen && new Set(seen.tags);
  const ghlSeenAtMs = seenAtMs(seen);
  const able = ctx.halves.toSticky ? ctx.sticky?.dialect.capabilities : undefined;
  let tagsOff = 0;
  if (ctx.halves.toGhl)
    tagsOff += planTags(wantedTags(ctx.tagMap, pair), link.tags, ghlTags, ghlSeenAtMs).remove.length;
  if (able?.segmentsWrite && able.read && ghlTags)
    tagsOff += planSegments({
      tagMap: ctx.tagMap,
      knownSegments: ctx.knownSegments,
      segments: customer.segments,
      statedAtMs: (name) => segmentStatedAtMs(customer.foldState, name),
      link: link.tags,
      ghlTags,
      ghlSeenAtMs,
    }).removeTags.length;
  return changesOfPair({
    rows: ctx.rows,
    plan: planOf(ctx, pair, link, contact),
    fields: link.fields,
    ghl: seen && seen.values,
    tagsOff,
    pointsLimit: ctx.connection.pointsLimit,
    may: { toGhl: ctx.halves.toGhl, details: able?.contactWrite ?? false, points: able?.balanceWrite ?? false },
  });
}
