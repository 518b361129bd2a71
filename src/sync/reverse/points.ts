import type { LinkField, Value } from '../../../drizzle/tables/links.ts';
import { decideBonus } from '../../domain/bonus.ts';
import type { Overwritten } from '../../domain/overwritten.ts';
import type { GhlEdit } from '../../domain/plan.ts';
import { decidePointsEdit } from '../../domain/points.ts';
import { commandsBySource, type CommandRow } from '../../store/commands.ts';
import { BONUS_RESULT, stickyValues } from '../pairValues.ts';
import { seenSince } from '../sightings.ts';
import { type PushJob, rebased, takeSideEffects } from '../pushJob.ts';
import { notWritable } from './writer.ts';

const BONUS = 'bonus_points';

const fieldOf = (job: PushJob, key: string): LinkField => job.link.fields[key] ?? { revision: 0 };

function setField(job: PushJob, key: string, field: LinkField): void {
  job.link = { ...job.link, fields: { ...job.link.fields, [key]: field } };
}

function limitReached(job: PushJob, key: string, from: unknown, to: unknown): void {
  job.problems.push({
    code: 'points_limit',
    cause: key,
    recordId: job.pair.customer.stickycardsId,
    sample: { contactId: job.link.ghlId, field: key, from, to, limit: job.ctx.connection.pointsLimit },
  });
}

/** A row of the ledger; it and the new base are stored in one transaction (SPEC §3.3). */
function order(
  job: PushJob,
  key: string,
  cardId: string,
  points: number,
  sourceEvent: string,
  more: object,
  held: boolean,
) {
  job.commands.push({
    connectionId: job.ctx.connection.id,
    kind: 'add_points',
    target: `card:${cardId}`,
    sourceEvent,
    params: { points, customerId: job.pair.customer.stickycardsId, contactId: job.link.ghlId, field: key, ...more },
    ...(held ? { state: 'held' as const, reason: 'points_limit' } : {}),
  });
}

/**
 * Points that a person changed in GHL become commands, once each (SPEC §3.3): the bonus first, then the difference of
 * the counter, then edits that our own write went over. What is stored here is done by the ledger, now or later.
 */
export async function orderPoints(
  job: PushJob,
  counters: readonly GhlEdit[],
  overwritten: readonly (Overwritten & { key: string })[],
): Promise<void> {
  const { ctx, pair } = job;
  const { pointsLimit } = ctx.connection;
  const cardId = job.link.cardId ?? pair.customer.cardId;
  await orderBonus(job, cardId);
  for (const { key, from, to } of counters) {
    if (cardId === null || typeof from !== 'number') continue;
    if (cannotBook(job)) {
      leavePoints(job, key, to);
      continue;
    }
    const decision = decidePointsEdit(from, to, pointsLimit);
    if (decision.kind === 'nothing') continue;
    if (decision.kind === 'refused') {
      const held = { reason: 'points_limit', value: to, atMs: ctx.store.clock.nowMs(), of: 'ghl' as const };
      if (fieldOf(job, key).held?.value !== to) limitReached(job, key, from, to);
      setField(job, key, { ...fieldOf(job, key), held });
      continue;
    }
    const field = fieldOf(job, key);
    if (decision.kind === 'held') limitReached(job, key, from, to);
    const source = `state:${job.link.id}:${key}:${field.revision}`;
    order(job, key, cardId, decision.points, source, { from, to }, decision.kind === 'held');
    setField(job, key, rebased(field, to));
    job.reverse.changes.push({ field: key, before: from, after: to });
    pair.balanceBusy = true;
  }
  for (const { key, points, revision, cardId: typedUnder = cardId } of overwritten) {
    if (typedUnder === null) continue;
    if (cannotBook(job)) {
      notWritable(job, key);
      continue;
    }
    const source = `overwritten:${job.link.id}:${key}:${revision}`;
    const held = Math.abs(points) > pointsLimit;
    order(job, key, typedUnder, points, source, { overwritten: true }, held);
    if (held) limitReached(job, key, null, points);
    job.reverse.notes.push(`${key}: our own write went over an edit of ${points} points in GHL; they are booked`);
    pair.balanceBusy = true;
  }
  if (job.commands.length === 0 && !job.moved) return;
  const moved = job.moved ? { moved: job.moved, limitOf: pair.customer.stickycardsId } : {};
  job.moved = undefined;
  await ctx.settler.settle({ link: job.link, ...moved, ...takeSideEffects(job) });
}

/** What the API cannot take is no command: it would fail, and GHL would lose what was typed (SPEC §2.4). */
const cannotBook = ({ ctx }: PushJob): boolean => ctx.sticky?.dialect.capabilities.balanceWrite === false;

/**
 * Both sides keep their own value, until the same was made by hand in Sticky Cards, or the contact shows another card,
 * whose points these are not.
 */
function leavePoints(job: PushJob, key: string, typed: Value): void {
  const { ctx, pair, link } = job;
  const same = stickyValues(ctx, pair)[key] === typed;
  if (!same) notWritable(job, key);
  if (same || link.cardId !== pair.customer.cardId) setField(job, key, rebased(fieldOf(job, key), typed));
}

async function orderBonus(job: PushJob, cardId: string | null): Promise<void> {
  const { ctx, contact } = job;
  const row = ctx.rows.find((each) => each.key === BONUS);
  if (!row || contact?.seenBy !== 'answer' || ctx.facts.fieldIds[BONUS] === undefined) return;
  const field = fieldOf(job, BONUS);
  const current = contact.values[BONUS] ?? null;
  const command = await bonusCommand(job, field);
  const overlapped = field.held?.reason === 'bonus_overlap';
  const sinceMs = field.pending?.sentAtMs ?? (overlapped ? field.held?.atMs : undefined);
  const since = sinceMs === undefined ? [] : await seenSince(ctx, contact.ghlContactId, inGhlTime(job, sinceMs));
  const decision = decideBonus({
    base: field.base,
    clearLost: field.pending !== undefined,
    seenEmptySinceClear: since.some((seen) => (seen.values[BONUS] ?? null) === null),
    overlapped,
    current,
    command: command?.state ?? 'none',
    hasCard: cardId !== null,
    limit: ctx.connection.pointsLimit,
  });
  const { pending: _, held: __, ...bare } = field;
  const problem = (code: string) =>
    job.problems.push({
      code,
      cause: BONUS,
      recordId: job.pair.customer.stickycardsId,
      sample: { contactId: job.link.ghlId, field: BONUS, shown: current, paid: field.base ?? null },
    });
  const hold = (code: string) => {
    if (field.held?.reason !== code || field.held.value !== current) problem(code);
    const held = { reason: code, value: current, atMs: ctx.store.clock.nowMs(), of: 'ghl' as const };
    setField(job, BONUS, { ...bare, held });
  };
  switch (decision.kind) {
    case 'pay': {
      if (cannotBook(job)) return notWritable(job, BONUS);
      if (decision.held) limitReached(job, BONUS, null, current);
      // The same number again moves the base all the same, by way of empty: its command has a key of its own.
      const from = decision.again ? rebased(bare, null) : bare;
      const source = `state:${job.link.id}:${BONUS}:${from.revision}`;
      order(job, BONUS, cardId as string, decision.points, source, { bonus: true }, decision.held);
      setField(job, BONUS, rebased(from, current));
      job.reverse.changes.push({ field: BONUS, before: null, after: current });
      job.pair.balanceBusy = true;
      return;
    }
    case 'hold':
      hold(decision.reason);
      return;
    case 'overlap':
      hold('bonus_overlap');
      return;
    case 'withdraw':
      if (command)
        job.moved = { id: command.id, from: ['held'], set: { state: 'discarded', reason: 'taken back in GHL' } };
      setField(job, BONUS, rebased(bare, null));
      return;
    case 'emptied':
      setField(job, BONUS, rebased(bare, null));
      return;
    case 'clear':
      setField(job, BONUS, bare);
      job.toEmpty.add(BONUS);
      if (command) job.link = { ...job.link, metadata: { ...job.link.metadata, [BONUS_RESULT]: resultText(command) } };
      return;
    case 'nothing':
      if (field.pending) setField(job, BONUS, bare);
  }
}

/** `Date` names the second: what was sent within it is not taken for later. */
const SECOND_MS = 1000;

/** A time of ours by GHL's clock, as the read of this job shows it to be ahead or behind; rather too late than too early. */
function inGhlTime(job: PushJob, atMs: number): number {
  const observedAtMs = job.fresh ? job.contact?.observedAt?.getTime() : undefined;
  const nowMs = job.ctx.store.clock.nowMs();
  return atMs + (observedAtMs === undefined ? 0 : observedAtMs - nowMs) + 2 * SECOND_MS;
}

/** The command that paid the number which is the base: its revision is the one before the base became that number. */
async function bonusCommand(job: PushJob, field: LinkField): Promise<CommandRow | null> {
  if (typeof field.base !== 'number') return null;
  const source = `state:${job.link.id}:${BONUS}:${field.revision - 1}`;
  const rows = await commandsBySource(job.ctx.store, job.ctx.connection.id, [source]);
  return rows[0] ?? null;
}

/** What the shop reads in bonus_points_result, e.g. `+50 → 170, cmd_01J…` (SPEC §3.2). */
function resultText({ id, state, params, result, reason }: CommandRow): string {
  const points = Number(params['points']);
  const sign = points > 0 ? '+' : '';
  const balance = result?.['balance'];
  if (state === 'applied') return `${sign}${points} → ${typeof balance === 'number' ? balance : '?'}, ${id}`;
  return `${sign}${points} not booked (${state === 'discarded' ? 'discarded' : (reason ?? state)}), ${id}`;
}
