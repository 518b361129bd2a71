import { markerOf } from '../../domain/commandTexts.ts';
import { judgeBalanceLook, judgeBalanceWrite, SECOND_LOOK_MS } from '../../domain/points.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { CommandRow } from '../../store/commands.ts';
import { cardRead } from '../stickyRows.ts';
import type { CommandContext, Learned, Looked } from './performer.ts';
import { beforeOf, bookingOf } from './pointsBooking.ts';
import { modeNow, proveMode, stopBookings } from './pointsMode.ts';
import { sightingsSince } from './pointsSightings.ts';

const signed = (points: number) => (points > 0 ? `+${points}` : String(points));

/**
 * Whether a booking whose answer was lost arrived: the card is read, and the inbox is asked what it told of the card since
 * (SPEC §3.5). Nothing is sent here.
 */
export async function lookForPoints(ctx: CommandContext, command: CommandRow): Promise<Looked> {
  const { store, connection, sticky } = ctx;
  const before = beforeOf(command);
  const sentAtMs = command.sentAt?.getTime();
  const { cardId, points, customerId } = bookingOf(command);
  if (!before || sentAtMs === undefined)
    return { kind: 'cannot_tell', reason: 'the balance from before the booking is not known' };
  if (!sticky) return { kind: 'look_again', afterMs: store.clock.nowMs() };
  const read = await sticky.client.getCard(cardId, { signal: ctx.signal }).catch((error: unknown) => {
    if (isApiError(error, 'gone')) return null;
    throw error;
  });
  const balance = read?.card.balance;
  if (!read || typeof balance !== 'number') {
    const reason = 'the card is gone or tells no balance: nobody can say whether the points were booked';
    return { kind: 'cannot_tell', reason };
  }
  const { balances, marked } = await sightingsSince(store, connection.id, cardId, before, markerOf(command.id));
  const mode = connection.stickyCards.balanceMode;
  const proved = (await modeNow(ctx)).state === 'proved';
  const seen: Learned = {
    observations: [cardRead(store, connection.id, read.card, customerId, read.dateMs)],
    ...(customerId === null ? {} : { requeue: customerId }),
  };
  const was = `the card had ${before.balance} points before ${signed(points)}`;
  const reason = `the answer was lost: ${was}, it shows ${balance} now`;
  const verdict = judgeBalanceWrite({ mode, proved, before: before.balance, points, answered: null, read: balance });
  // The old balance is what a booking leaves that never arrived, also where the other mode would have made the same of it.
  const arrived = marked || balance !== before.balance;
  if (verdict === 'mode_wrong' && !proved && arrived)
    return { kind: 'cannot_tell', reason, ...seen, problems: [await stopBookings(ctx, command, before, balance)] };

  // Earlier looks that saw anything else than the old balance have ended the question.
  const earlier = Array.from({ length: command.looks }, () => ({ balance: before.balance, afterSendMs: 0 }));
  const told = judgeBalanceLook({
    before: before.balance,
    points,
    reads: [...earlier, { balance, afterSendMs: store.clock.nowMs() - sentAtMs }],
    others: balances,
    marked,
  });
  switch (told) {
    case 'there':
      if (verdict === 'applied_and_proved') await proveMode(ctx);
      return { kind: 'there', result: { points, balance }, ...seen };
    case 'absent':
      return { kind: 'absent' };
    case 'look_again':
      return { kind: 'look_again', afterMs: Math.max(sentAtMs + SECOND_LOOK_MS, store.clock.nowMs()) };
    case 'cannot_tell':
      return { kind: 'cannot_tell', reason, ...seen };
  }
}
