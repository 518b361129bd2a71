import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { InboxAppender, InboxRow } from '../store/inbox.ts';
import { clientAddress, type TrustProxy } from './clientAddress.ts';
import type { FailureLimit } from './failureLimit.ts';
import type { Heard } from './heard.ts';
import type { Problem } from './problem.ts';

/** Where refused deliveries to a connection that does not exist are listed; no connection can have this name. */
export const NO_CONNECTION = '-';

export interface Rejection {
  connectionId: string;
  source: InboxRow['source'];
  problem: Problem;
  /** False once the sender has proved who it is: such a refusal is never limited. */
  countsAsFailure: boolean;
  /** Of the raw body; '' when it was not read. The body itself is not kept. */
  bodyHash: string;
}

/**
 * Lists a refused delivery in the inbox without personal data (status `rejected`, repeats counted on one row) and says
 * what to answer: the refusal, or 429 from a client that failed too often. Over the limit nothing more is written. Never
 * waits for the database.
 */
export type Reject = (req: IncomingMessage, rejection: Rejection) => Problem;

export function createReject(needs: {
  inbox: Pick<InboxAppender, 'append'>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
  limit: FailureLimit;
  trust: TrustProxy;
  heard?: Heard;
}): Reject {
  return (req, { connectionId, source, problem, countsAsFailure, bodyHash }) => {
    const verification = countsAsFailure ? ('failed' as const) : ('verified' as const);
    needs.heard?.({
      source,
      verification,
      status: 'rejected',
      connection: connectionId,
      type: '(rejected)',
      receiptId: null,
      reason: problem.code,
      tookMs: null,
    });
    const waitS = countsAsFailure ? needs.limit.count(clientAddress(req, needs.trust)) : null;
    if (waitS !== null) return tooManyFailures(waitS);
    const now = needs.clock.now();
    needs.inbox
      .append({
        connectionId,
        source,
        dedupeKey: `rejected ${problem.code} ${bodyHash}`,
        deliveryId: null,
        type: '(rejected)',
        occurredAt: now,
        receivedAt: now,
        customerId: null,
        cardId: null,
        contactId: null,
        verification,
        flags: [],
        headers: null,
        bodyHash,
        payload: null,
        status: 'rejected',
        reason: problem.code,
        foldedAt: now,
      })
      .catch((error: unknown) =>
        needs.log.warn('a refused delivery could not be listed', { reason: messageOf(error) }),
      );
    return problem;
  };
}

const tooManyFailures = (retryAfterS: number): Problem => ({
  status: 429,
  code: 'too_many_failures',
  title: 'Too many failed deliveries',
  detail:
    'This address sent too many deliveries in a minute that could not be verified. Check its address and secret; ' +
    'deliveries that verify are accepted at any rate.',
  retryAfterS,
});
