import { createHash } from 'node:crypto';
import { type ActionResult, answerText, duplicate, queued, rejected } from '../domain/actionAnswer.ts';
import { actionOfType, sameCall } from '../domain/actionCall.ts';
import { messageOf } from '../errors.ts';
import type { Db } from '../store/db.ts';
import {
  actionAnswer,
  claimAction,
  keepAnswer,
  noteInInbox,
  type OpenAction,
  type TakenAction,
} from '../store/idempotency.ts';
import { carryOut, closedFor } from './actions/carryOut.ts';
import { type ActionContextNeeds, createActionContexts } from './actions/contexts.ts';
import { createRetries } from './actions/retries.ts';
import { settleAction } from './actions/settleAction.ts';
import { readStored, type StoredAction } from './actions/stored.ts';
import { createSweeper } from './actions/sweeper.ts';

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
  /** A person asked for a run: what waits for a better moment is tried now. Resolves when that is over. */
  tryNow(connectionId: string): Promise<void>;
  /** Resolves when nothing of a connection whose lease is not held any more is being carried out. */
  ended(connectionId: string): Promise<void>;
  close(): Promise<void>;
}

/** What a workflow waits for before it is told `queued` (SPEC §3.4). */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 200;
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

  const shutFor = ({ row }: TakenAction): ActionResult | null => {
    const connection = needs.connectionOf(row.connectionId);
    return connection ? closedFor(connection) : null;
  };

  /** What is rejected is so for good, whoever speaks for the connection: it is stored as a call that is over. */
  const refusalOf = ({ row, call }: TakenAction, shut: ActionResult | null) => {
    if (shut?.result !== 'rejected') return undefined;
    const { connectionId, dedupeKey: key } = row;
    return async (db: Db, receiptId: string): Promise<void> => {
      const body = answerText(receiptId, call.parameters.action, shut);
      await keepAnswer(store, db, { connectionId, key }, body, { carriedOut: true });
      if (actionOfType(row.type) === null) return;
      await noteInInbox(store, db, receiptId, { status: 'skipped', reason: shut.reasonCode });
    };
  };

  const claim = (taken: TakenAction, shut: ActionResult | null) => {
    const { row, call } = taken;
    const paramsHash = createHash('sha256').update(sameCall(call)).digest('base64url');
    return claimAction(store, row, paramsHash, refusalOf(taken, shut)).catch((error: unknown) => {
      log.error('a call of a workflow could not be stored; its sender was told to send it again', {
        connection: row.connectionId,
        reason: messageOf(error),
      });
      return { kind: 'not_stored' as const };
    });
  };

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
    if (outcome.kind === 'later')
      return outcome.pausedCustomerId === undefined
        ? retries.failed(open)
        : retries.paused(open, outcome.pausedCustomerId);
    retries.done(open);
    needs.nudge(open.connectionId);
  };

  const work = async (open: OpenAction, probing: boolean): Promise<void> => {
    const connection = needs.connectionOf(open.connectionId);
    if (closed || !connection || !leases.holds(open.connectionId)) return;
    // As it is now: only a change after this is a reason not to wait.
    retries.asOf(connection.id, connection.updatedAt);
    const stored = readStored(open);
    const refuse = (answer: ActionResult) => finish(open, stored, { kind: 'done', answer });
    if (stored.call === null) return refuse(rejected('unreadable'));
    if (store.clock.nowMs() - open.createdAt.getTime() > TOO_OLD_MS) return refuse(rejected('too_old'));
    const shut = closedFor(connection);
    if (shut?.result === 'rejected') return refuse(shut);
    // No failure: it goes on in the moment in which the pause is over.
    if (shut) return settleAction(store, open, stored, { kind: 'later', answer: shut });
    const ctx = contexts.of(connection);
    await finish(open, stored, await carryOut(ctx, stored, stored.call, { probing }));
  };

  const start = (open: OpenAction, { probing }: { probing: boolean } = { probing: false }): Promise<void> => {
    const name = nameOf(open);
    const known = underWay.get(name);
    if (known) return known;
    const mine = work(open, probing)
      .catch((error: unknown) => {
        retries.failed(open);
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
      const over = store.clock.nowMs() >= untilMs || closed || !needs.connectionOf(connectionId);
      if (over) return keep(taken, receiptId, queued('in_progress'));
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

  const sweeper = createSweeper(needs, { retries, start, isUnderWay: (open) => underWay.has(nameOf(open)) });

  return {
    take: async (taken) => {
      const shut = shutFor(taken);
      const claimed = await claim(taken, shut);
      if (claimed.kind !== 'new' && claimed.kind !== 'known') return claimed;
      const { receiptId } = claimed;
      if (claimed.kind === 'known') return { kind: 'answer', body: await repeated(taken, receiptId, claimed.body) };
      if (shut?.result === 'rejected')
        return { kind: 'answer', body: answerText(receiptId, taken.call.parameters.action, shut) };
      if (leases.holds(taken.row.connectionId)) void start(openAction(taken, receiptId));
      // Nobody has to be asked for that.
      else if (shut) return { kind: 'answer', body: await keep(taken, receiptId, shut) };
      return { kind: 'answer', body: await answered(taken, receiptId, PATIENCE_MS) };
    },

    accept: async (taken) => {
      const shut = shutFor(taken);
      const claimed = await claim(taken, shut);
      if (claimed.kind !== 'new' && claimed.kind !== 'known') return claimed;
      needs.nudge(taken.row.connectionId);
      const isNew = claimed.kind === 'new';
      const isOpen = isNew && shut?.result !== 'rejected';
      if (isOpen && leases.holds(taken.row.connectionId)) void start(openAction(taken, claimed.receiptId));
      return { kind: 'stored', receiptId: claimed.receiptId, duplicate: !isNew };
    },

    sweep: async () => {
      if (!closed) await sweeper.sweep();
    },

    tryNow: async (connectionId) => {
      if (!closed) await sweeper.tryNow(connectionId);
    },

    ended: async (connectionId) => {
      const ofIt = [...underWay].filter(([name]) => name.startsWith(nameOf({ connectionId, key: '' })));
      await Promise.allSettled(ofIt.map(([, work]) => work));
    },

    close: async () => {
      closed = true;
      await Promise.allSettled(underWay.values());
    },
  };
}
