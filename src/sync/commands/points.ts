import { markerOf } from '../../domain/commandTexts.ts';
import { judgeBalanceWrite, needsReadBack, numberToSend } from '../../domain/points.ts';
import { messageOf } from '../../errors.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { CardSeen } from '../../platforms/stickycards/report/client.ts';
import type { CommandRow } from '../../store/commands.ts';
import type { RaisedProblem } from '../../store/problems.ts';
import { cardRead, cardWritten } from '../stickyRows.ts';
import { lookForPoints } from './lookForPoints.ts';
import type { CommandContext, Learned, Performed, Performer } from './performer.ts';
import { type Before, beforeOf, bookingOf } from './pointsBooking.ts';
import { modeNow, proveMode, stopBookings } from './pointsMode.ts';
import { sightingsSince } from './pointsSightings.ts';
import { inTurn, NotItsTurn, waitsFor } from './pointsTurn.ts';

/** Reads the card; the balance from before the write goes into the ledger with `sending`. */
async function prepare(ctx: CommandContext, command: CommandRow): ReturnType<Performer['prepare']> {
  const { store, connection, sticky } = ctx;
  if (!sticky) return { kind: 'wait', reason: 'Sticky Cards is not connected, or paused' };
  const { cardId, points, customerId, contactId } = bookingOf(command);
  const about = { commandId: command.id, cardId, contactId, points };
  // Whatever ends it: GHL shows the card's own balance again.
  const requeue = customerId === null ? {} : { requeue: customerId };
  if (!sticky.dialect.capabilities.balanceWrite) {
    const sample = { ...about, field: 'loyalty_points', dialect: sticky.dialect.name };
    const problem: RaisedProblem = {
      code: 'not_writable_by_api',
      cause: 'loyalty_points',
      recordId: customerId ?? command.id,
      sample,
    };
    return { kind: 'failed', reason: 'not_writable_by_api', problems: [problem], ...requeue };
  }
  if (!Number.isSafeInteger(points) || points === 0)
    return { kind: 'failed', reason: 'the points to book are not a whole number', ...requeue };
  const waits = await waitsFor(ctx, command, null);
  if (waits) return waits;
  if (command.attempts > 0 && command.decidedBy === null) {
    // An earlier attempt that nobody could find may have been told of since.
    const since = { readAtMs: command.createdAt.getTime(), dateMs: null };
    const { marked } = await sightingsSince(store, connection.id, cardId, since, markerOf(command.id));
    if (marked) return { kind: 'applied', result: { points, balance: null }, ...requeue };
  }
  const readAtMs = store.clock.nowMs();
  let card: CardSeen;
  let dateMs: number | null;
  try {
    ({ card, dateMs } = await sticky.client.getCard(cardId, { signal: ctx.signal }));
  } catch (error) {
    if (!isApiError(error, 'gone')) throw error;
    return { kind: 'failed', reason: 'gone_in_sticky_cards', ...requeue };
  }
  if (typeof card.balance !== 'number')
    return { kind: 'failed', reason: 'Sticky Cards does not tell the balance of this card', ...requeue };
  const before = { balance: card.balance, dateMs, readAtMs } satisfies Before;
  if (card.balance + points < 0 && command.decidedBy === null) {
    const sample = { ...about, balance: card.balance };
    const problem: RaisedProblem = { code: 'points_limit', recordId: command.id, sample };
    return { kind: 'held', reason: 'points_limit', problems: [problem], before };
  }
  return { kind: 'send', before };
}

async function send(
  ctx: CommandContext,
  command: CommandRow,
  options: Parameters<Performer['send']>[2],
): Promise<Performed> {
  const { sticky, connection } = ctx;
  const before = beforeOf(command);
  if (!sticky || !before) return { kind: 'wait', reason: 'the card was not read yet' };
  const { cardId, points, customerId, field } = bookingOf(command);
  const number = numberToSend(connection.stickyCards.balanceMode, before.balance, points);
  const comment = `GHL ${field} ${markerOf(command.id)}`;
  // Between the read and now another booking may have gone; asked in the moment in which this one is written ahead.
  const beforeSend = () =>
    inTurn(ctx, async () => {
      const waits = await waitsFor(ctx, command, before);
      if (waits) throw new NotItsTurn(waits);
      await options.beforeSend();
    });
  try {
    const answer = await sticky.client.addToBalance(
      { cardId, points: number, comment },
      { signal: options.signal, beforeSend },
    );
    return await booked(ctx, command, before, answer);
  } catch (error) {
    if (error instanceof NotItsTurn) return error.waits;
    const refused = isApiError(error, 'gone', 'conflict', 'field', 'validation') && !error.mayHaveLanded;
    if (!refused) throw error;
    const learned: Learned = {
      traceId: error.traceId ?? null,
      ...(customerId === null ? {} : { requeue: customerId }),
    };
    return { kind: 'failed', reason: error.class === 'gone' ? 'gone_in_sticky_cards' : error.message, ...learned };
  }
}

/** The platform took it: whether it did with the number what was meant, the total says. */
async function booked(
  ctx: CommandContext,
  command: CommandRow,
  before: Before,
  answer: { balance: number | null; traceId: string | null; dateMs: number | null },
): Promise<Performed> {
  const { store, connection } = ctx;
  const { cardId, points, customerId, contactId } = bookingOf(command);
  const write = {
    mode: connection.stickyCards.balanceMode,
    proved: (await modeNow(ctx)).state === 'proved',
    before: before.balance,
    points,
    answered: answer.balance,
  };
  const read = needsReadBack(write) ? await readBack(ctx, cardId) : null;
  const verdict = judgeBalanceWrite({ ...write, read: read?.balance ?? null });
  // An answer that is not the expected total may be a mere repetition of the number; then the next run reads the card.
  const total = read?.balance ?? (answer.balance === before.balance + points ? answer.balance : null);
  const learned: Learned = {
    result: { points, balance: total },
    observations: [
      read
        ? cardRead(store, connection.id, read.card, customerId, read.dateMs)
        : cardWritten(store, connection.id, { cardId, customerId, balance: total }, answer.dateMs),
    ],
    contactId,
    traceId: answer.traceId,
    changes: [{ field: `points of card ${cardId}`, before: before.balance, after: total }],
    ...(customerId === null ? {} : { requeue: customerId }),
  };
  if (verdict === 'mode_wrong') {
    const problem = await stopBookings(ctx, command, before, read?.balance ?? answer.balance);
    return { kind: 'failed', reason: 'balance_mode_wrong', ...learned, problems: [problem] };
  }
  if (verdict === 'applied_and_proved') await proveMode(ctx);
  return { kind: 'applied', ...learned };
}

/** The points are booked whatever becomes of this read: it must not fail the command. null = the card was not read. */
async function readBack(
  ctx: CommandContext,
  cardId: string,
): Promise<{ card: CardSeen; balance: number; dateMs: number | null } | null> {
  try {
    const read = await ctx.sticky?.client.getCard(cardId, { signal: ctx.signal });
    const balance = read?.card.balance;
    return read && typeof balance === 'number' ? { ...read, balance } : null;
  } catch (error) {
    ctx.log.warn('points were booked, but the card could not be read afterwards: the next run reads it', {
      connection: ctx.connection.id,
      cardId,
      reason: messageOf(error),
    });
    return null;
  }
}

/** `add_points`: `PUT /cards/{id}/balance` with the command's points, exactly once (SPEC §3.5). */
export const pointsCommand: Performer = {
  kinds: ['add_points'],
  side: 'stickycards',
  // The read that may follow the write is caught: what rejects `send` as a stop came before the write left.
  sendsOnce: true,
  oneAtATime: async (ctx) => (await modeNow(ctx)).state !== 'proved',
  prepare,
  send,
  look: lookForPoints,
};
