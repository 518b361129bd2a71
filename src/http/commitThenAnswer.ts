import type { ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { InboxAppender, NewInboxRow, Receipt } from '../store/inbox.ts';
import type { Heard } from './heard.ts';
import { INTERNAL, type Problem, sendProblem } from './problem.ts';

/** Stores a delivery and answers after the commit, never before (SPEC §2.1, 5). */
export type CommitThenAnswer = (res: ServerResponse, row: NewInboxRow, failedStatus?: 429 | 503) => void;

const answerOf = ({ receiptId, duplicate }: Receipt) => `{"receiptId":"${receiptId}","duplicate":${duplicate}}`;

// The receipt id has one length, so both answers do: their headers are made once.
const headersFor = (body: string): string[] => [
  'content-type',
  'application/json; charset=utf-8',
  'content-length',
  String(body.length),
];
const LONGEST_ID = `evt_${'0'.repeat(26)}`;
const ACCEPTED = headersFor(answerOf({ receiptId: LONGEST_ID, duplicate: false }));
const DUPLICATE = headersFor(answerOf({ receiptId: LONGEST_ID, duplicate: true }));

const notCommitted = (status: 429 | 503): Problem => ({
  status,
  code: 'not_stored',
  title: 'The delivery could not be stored',
  detail: 'Nothing of it was kept. Send it again after the time in Retry-After.',
  retryAfterS: 5,
});

/** `onCommitted` is called once per connection for everything that was committed together. */
export function createCommitThenAnswer(needs: {
  inbox: Pick<InboxAppender, 'append'>;
  log: Pick<Logger, 'error'>;
  onCommitted: (connectionId: string) => void;
  heard?: Heard;
}): CommitThenAnswer {
  const { heard } = needs;
  const tell = (
    row: NewInboxRow,
    status: 'accepted' | 'duplicate' | 'not_stored',
    id: string | null,
    sinceMs: number,
  ) =>
    heard?.({
      source: row.source,
      verification: row.verification,
      status,
      connection: row.connectionId,
      type: row.type,
      receiptId: id,
      reason: null,
      tookMs: performance.now() - sinceMs,
    });
  const committed = new Set<string>();
  const tellFold = () => {
    const ids = [...committed];
    committed.clear();
    for (const id of ids) needs.onCommitted(id);
  };
  const nudge = (connectionId: string) => {
    // After the answers of this commit: they come first.
    if (committed.size === 0) setImmediate(tellFold);
    committed.add(connectionId);
  };

  return (res, row, failedStatus = 503) => {
    const sinceMs = performance.now();
    needs.inbox.append(row).then(
      (receipt) => {
        const body = answerOf(receipt);
        if (receipt.duplicate)
          res.writeHead(200, receipt.receiptId.length === LONGEST_ID.length ? DUPLICATE : headersFor(body));
        else {
          res.writeHead(202, ACCEPTED);
          nudge(row.connectionId);
        }
        // It is ASCII: said so, Node writes it without measuring it first.
        res.end(body, 'latin1');
        tell(row, receipt.duplicate ? 'duplicate' : 'accepted', receipt.receiptId, sinceMs);
      },
      (error: unknown) => {
        needs.log.error('a delivery could not be stored; its sender was told to send it again', {
          connection: row.connectionId,
          reason: messageOf(error),
        });
        sendProblem(res, notCommitted(failedStatus));
        tell(row, 'not_stored', null, sinceMs);
      },
    );
  };
}

/** Ends a request whose handling threw: receivers run outside Express, and an error there would end the process. */
export type Crashed = (res: ServerResponse, error: unknown) => void;

export const createCrashed =
  (log: Pick<Logger, 'error'>): Crashed =>
  (res, error) => {
    log.error('a delivery could not be handled', { reason: messageOf(error), error });
    sendProblem(res, INTERNAL);
  };
