import { createHash } from 'node:crypto';
import { type ActionResult, answerText, duplicate, queued, rejected } from '../domain/actionAnswer.ts';
import { sameCall } from '../domain/actionCall.ts';
import { messageOf } from '../errors.ts';
import {
  actionAnswer,
  claimAction,
  connectionsWithOpenActions,
  keepAnswer,
  type OpenAction,
  openActions,
  type TakenAction,
} from '../store/idempotency.ts';
import { carryOut, closedFor } from './actions/carryOut.ts';
import { type ActionContextNeeds, createActionContexts } from './actions/contexts.ts';
import { createRetries } from './actions/retries.ts';
import { settleAction } from './actions/settleAction.ts';
import { readStored, type StoredAction } from './actions/stored.ts';

/** The key was used for something else, or the database did not take the call: nothing of it was kept. */
export type NotTaken = { kind: 'other_parameters' } | { kind: 'not_stored' };
export type ActionReply = { kind: 'answer'; body: string } | NotTaken;
export type ActionReceipt = { kind: 'stored'; receiptId: string; duplicate: boolean } | NotTaken;

export interface Actions {
  /** Stores a call, carries it out on the holder of the lease and answers what came of it, within ten seconds. */
  take(taken: TakenAction): Promise<ActionReply>;
  /** Stores a call and answers; it is carried out behind. */
  accept(taken: TakenAction): Promise<ActionReceipt>;
  /** Carries out what others stored, what was left by a crash, and what had to wait. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** What a workflow waits for before it is told `queued` (SPEC §3.4). */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 200;
/** Looked through at a time: what waits for long keeps nobody behind it waiting while it is less than that. */
const OPEN_MAX = 500;
/** Older calls are not carried out any more (SPEC §3.5, as with commands). */
const TOO_OLD_MS = 30 * 86_400_000;

/** The calls of GHL workflows (SPEC §3.4): every one is on disk before it is carried out, once, by the lease's holder. */
export function createActions(needs: ActionContextNeeds): Actions {
  const { store, log, leases } = needs;
  const contexts = createActionContexts(needs);
  const retries = createRetries(() => store.clock.nowMs());
  const underWay = new Map<string, Promise<void>>();
  let closed = false;
  const nameOf = ({ connectionId, key }: { connectionId: string; key: string }) => `${connectionId} ${key}`;

  const claim = ({ row, call }: TakenAction) =>
    claimAction(store, row, createHash('sha256').update(sameCall(call)).digest('base64url')).catch((error: unknown) => {
      log.error('a call of a workflow could not be stored; its sender was told to send it again', {
        connection: row.connectionId,
        reason: messageOf(error),
      });
      return { kind: 'not_stored' as const };
    });

  const openAction = ({ row }: TakenAction, receiptId: string): OpenAction => ({
    connectionId: row.connectionId,
    key: row.dedupeKey,
    createdAt: row.receivedAt,
    body: null,
    receiptId,
    type: row.type,
    payload: row.payload,
  });

  const finish = async (open: OpenAction, stored: StoredAction, outcome: Parameters<typeof settleAction>[3]) => {
    await settleAction(store, open, stored, outcome);
    if (outcome.kind === 'later') return retries.failed(nameOf(open));
    retries.done(nameOf(open));
    needs.nudge(open.connectionId);
  };

  const work = async (open: OpenAction): Promise<void> => {
    const connection = needs.connectionOf(open.connectionId);
    if (closed || !connection || !leases.holds(open.connectionId)) return;
    const stored = readStored(open);
    const refuse = (answer: ActionResult) => finish(open, stored, { kind: 'done', answer });
    if (stored.call === null) return refuse(rejected('unreadable'));
    if (store.clock.nowMs() - open.createdAt.getTime() > TOO_OLD_MS) return refuse(rejected('too_old'));
    const shut = closedFor(connection);
    if (shut?.result === 'rejected') return refuse(shut);
    if (shut) return finish(open, stored, { kind: 'later', answer: shut });
    const ctx = contexts.of(connection);
    await finish(open, stored, await carryOut(ctx, stored, stored.call));
  };

  const start = (open: OpenAction): Promise<void> => {
    const name = nameOf(open);
    const known = underWay.get(name);
    if (known) return known;
    const mine = work(open)
      .catch((error: unknown) => {
        retries.failed(name);
        if (closed || !leases.holds(open.connectionId)) return;
        log.error('an action of a workflow failed; it is tried again', {
          connection: open.connectionId,
          receiptId: open.receiptId,
          reason: messageOf(error),
        });
      })
      .finally(() => underWay.delete(name));
    underWay.set(name, mine);
    return mine;
  };

  /** Keeps the answer for good; what was answered before counts. */
  const keep = (taken: TakenAction, receiptId: string, answer: ActionResult) => {
    const { connectionId, dedupeKey: key } = taken.row;
    const body = answerText(receiptId, taken.call.parameters.action, answer);
    return store.tx((db) => keepAnswer(store, db, { connectionId, key }, body, { carriedOut: false }));
  };

  const answered = async (taken: TakenAction, receiptId: string, waitMs: number): Promise<string> => {
    const { connectionId, dedupeKey: key } = taken.row;
    const untilMs = store.clock.nowMs() + waitMs;
    for (;;) {
      const body = (await actionAnswer(store, connectionId, key))?.body;
      if (body != null) return body;
      if (store.clock.nowMs() >= untilMs || closed) return keep(taken, receiptId, queued('in_progress'));
      const here = underWay.get(nameOf({ connectionId, key }));
      const ended = new AbortController();
      await Promise.race([
        store.clock.sleep(LOOK_EVERY_MS, ended.signal).catch(() => undefined),
        ...(here ? [here] : []),
      ]);
      ended.abort();
    }
  };

  const repeated = async (taken: TakenAction, receiptId: string, body: string | null): Promise<string> => {
    if (taken.keyed) return answered(taken, receiptId, PATIENCE_MS);
    const first = body === null ? null : (JSON.parse(body) as { result: string; reason_code: string });
    const told = first && { result: first.result, reasonCode: first.reason_code };
    return answerText(receiptId, taken.call.parameters.action, duplicate(told));
  };

  return {
    take: async (taken) => {
      const claimed = await claim(taken);
      if (claimed.kind !== 'new' && claimed.kind !== 'known') return claimed;
      const { receiptId } = claimed;
      if (claimed.kind === 'known') return { kind: 'answer', body: await repeated(taken, receiptId, claimed.body) };
      const connection = needs.connectionOf(taken.row.connectionId);
      const shut = connection ? closedFor(connection) : null;
      if (leases.holds(taken.row.connectionId)) void start(openAction(taken, receiptId));
      // Nobody has to be asked for that.
      else if (shut) return { kind: 'answer', body: await keep(taken, receiptId, shut) };
      return { kind: 'answer', body: await answered(taken, receiptId, PATIENCE_MS) };
    },

    accept: async (taken) => {
      const claimed = await claim(taken);
      if (claimed.kind !== 'new' && claimed.kind !== 'known') return claimed;
      needs.nudge(taken.row.connectionId);
      const isNew = claimed.kind === 'new';
      if (isNew && leases.holds(taken.row.connectionId)) void start(openAction(taken, claimed.receiptId));
      return { kind: 'stored', receiptId: claimed.receiptId, duplicate: !isNew };
    },

    sweep: async () => {
      for (const connectionId of await connectionsWithOpenActions(store)) {
        if (closed || !leases.holds(connectionId)) continue;
        for (const open of await openActions(store, connectionId, OPEN_MAX))
          if (!retries.waits(nameOf(open)) && !underWay.has(nameOf(open))) void start(open);
      }
    },

    close: async () => {
      closed = true;
      await Promise.allSettled(underWay.values());
    },
  };
}
