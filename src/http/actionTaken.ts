import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type ActionCall, inboxTypeOf, sameCall } from '../domain/actionCall.ts';
import type { Connection } from '../domain/connection.ts';
import type { InboxRow, NewInboxRow } from '../store/inbox.ts';
import type { TakenAction } from '../store/idempotency.ts';
import type { Problem } from './problem.ts';
import { pickHeaders, storable } from './rawText.ts';
import { refusal } from './receiverProblems.ts';
import type { Repeats } from './workflowRepeats.ts';
import type { KeyHolders } from './workflowKey.ts';

type NotTaken = { kind: 'other_parameters' } | { kind: 'not_stored' };

export interface ActionDoorNeeds {
  connections: KeyHolders;
  /** When the call with this dedupe key was received; null = never. */
  receivedAtOf: (connectionId: string, source: InboxRow['source'], dedupeKey: string) => Promise<Date | null>;
  actions: {
    /** Carries a call out and answers what came of it. */
    take(taken: TakenAction): Promise<{ kind: 'answer'; body: string } | NotTaken>;
    /** Stores a call, which is carried out behind. */
    accept(taken: TakenAction): Promise<{ kind: 'stored'; receiptId: string; duplicate: boolean } | NotTaken>;
  };
}

export const CONFLICT = refusal(
  409,
  'idempotency_key_reused',
  'The key was used for something else',
  'This idempotency key came with another action, contact or other parameters before. Make a key that differs for each thing asked for, e.g. of the contact and the workflow.',
  'idempotency_key',
);

export const NOT_STORED: Problem = {
  ...refusal(
    429,
    'not_stored',
    'The call could not be stored',
    'Nothing of it was kept. Send it again after the time in Retry-After.',
  ),
  retryAfterS: 5,
};

const KEY_LENGTH_MAX = 200;

export interface Sent {
  headers: IncomingHttpHeaders;
  connection: Connection;
  call: ActionCall;
  /** Without the secret. */
  body: object;
  bodyHash: string;
  nowMs: number;
}

/**
 * The call with its row for the inbox. What makes two calls one is its key (SPEC §3.4): the one that was sent, else
 * contact, workflow, action and parameters within 60 s.
 * @param row of a standard "Webhook" action, which is folded too; left out, the row is only the call
 */
export async function asTaken(repeats: Repeats, sent: Sent, row?: NewInboxRow): Promise<TakenAction> {
  const { connection, call, headers, nowMs } = sent;
  const header = headers['idempotency-key'];
  const key = (typeof header === 'string' && header.trim() !== '' ? header.trim() : call.idempotencyKey) ?? null;
  const keyed = key !== null;
  const dedupeKey = keyed
    ? `action:${key.length > KEY_LENGTH_MAX ? hash('sha256', key, 'base64url') : storable(key)}`
    : await repeats.keyOf(connection.id, hash('sha256', `${call.workflowId} ${sameCall(call)}`, 'base64url'), nowMs);
  if (row) return { row: { ...row, dedupeKey }, call, keyed };
  const at = new Date(nowMs);
  return {
    call,
    keyed,
    row: {
      connectionId: connection.id,
      source: 'ghl_workflow',
      dedupeKey,
      deliveryId: null,
      type: inboxTypeOf(call.parameters.action),
      occurredAt: at,
      receivedAt: at,
      customerId: null,
      cardId: null,
      contactId: call.contact.contactId === null ? null : storable(call.contact.contactId.slice(0, 255)),
      verification: 'verified',
      flags: [],
      headers: pickHeaders(headers, ['content-type', 'user-agent', 'idempotency-key']),
      bodyHash: sent.bodyHash,
      payload: storable(JSON.stringify(sent.body)),
      // It says nothing of the contact: there is nothing to fold.
      status: 'folded',
      foldedAt: at,
    },
  };
}
