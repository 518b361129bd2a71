import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { hash } from 'node:crypto';
import type { Connection } from '../domain/connection.ts';
import { createFieldResolver, readWorkflowBody, withoutKey, type WorkflowBody } from '../domain/workflowBody.ts';
import type { InboxRow, NewInboxRow } from '../store/inbox.ts';
import { GHL_PATH } from './receiveGhl.ts';
import { type Problem, sendProblem } from './problem.ts';
import { pickHeaders, storable, textOf } from './rawText.ts';
import { readBody, refuseUnread } from './readBody.ts';
import { BODY_BYTES_MAX, NOT_JSON, POST_ONLY, refusal, TOO_LARGE, UNKNOWN_CONNECTION } from './receiverProblems.ts';
import type { Receive } from './receiveStickyCards.ts';
import { NO_CONNECTION } from './rejections.ts';
import type { ReceiverNeeds } from './server.ts';
import { createRepeats } from './workflowRepeats.ts';
import { authorize, type KeyHolders, keysIn } from './workflowKey.ts';

export const GHL_WORKFLOW_PATH = `${GHL_PATH}/workflow`;

/** A workflow call that asks for something (SPEC §3.4). */
export interface WorkflowActionCall {
  connection: Connection;
  /** The call as a row of the inbox, not stored yet. */
  row: NewInboxRow;
  body: WorkflowBody & { action: string };
  /** The whole body, without the secret. */
  json: Record<string, unknown>;
  headers: IncomingHttpHeaders;
  /** Answers with a problem, and lists it. */
  refuse(problem: Problem): void;
}

export interface GhlWorkflowReceiverNeeds {
  connections: KeyHolders;
  /** When the call with this dedupe key was received; null = never. */
  receivedAtOf: (connectionId: string, source: InboxRow['source'], dedupeKey: string) => Promise<Date | null>;
  /** Performs `customData.action`: it stores the row and answers. Left out, calls only mark their contact. */
  onAction?: (res: ServerResponse, call: WorkflowActionCall) => void;
}

const NO_CONTACT = refusal(
  400,
  'contact_missing',
  'The body names no contact',
  'contact_id is missing. The standard Webhook action sends it by itself; in a Custom Webhook write "contact_id": "{{contact.id}}".',
  'contact_id',
);

/**
 * `POST /webhooks/ghl/workflow[/:connection]` (SPEC §3.1): the body of the standard workflow action "Webhook". It has no
 * signature, no id and no time: a secret proves it, its body de-duplicates it for 60 s, and it is never state: it marks
 * its contact for a read. Checks: 413, 404, 401, 400, then 202 (a repetition 200), 429 when it could not be stored.
 */
export function createGhlWorkflowReceiver(own: GhlWorkflowReceiverNeeds): (needs: ReceiverNeeds) => Receive {
  const resolve = createFieldResolver([]);
  return (needs) => {
    const repeats = createRepeats(own.receivedAtOf);

    const refuse = (req: IncomingMessage, connection: Connection | null, problem: Problem, bodyHash: string) =>
      needs.reject(req, {
        connectionId: connection?.id ?? NO_CONNECTION,
        source: 'ghl_workflow',
        problem,
        countsAsFailure: connection === null,
        bodyHash,
      });

    const receive = async (req: IncomingMessage, res: ServerResponse, path: Path, rawBody: Buffer): Promise<void> => {
      const bodyHash = hash('sha256', rawBody, 'base64url');
      const json = jsonOf(textOf(rawBody));
      const body = readWorkflowBody(json, resolve);
      if (path.connectionId !== null && !own.connections.get(path.connectionId)) {
        sendProblem(res, refuse(req, null, UNKNOWN_CONNECTION, bodyHash));
        return;
      }
      const keys = keysIn(req.headers, path.key, body?.key ?? null);
      const connection = authorize(own.connections, keys, path.connectionId, body?.locationId ?? null);
      if ('status' in connection) {
        sendProblem(res, refuse(req, null, connection, bodyHash));
        return;
      }
      const problem = body === null ? NOT_JSON : body.contactId === null ? NO_CONTACT : null;
      if (problem !== null || body === null) {
        sendProblem(res, refuse(req, connection, problem ?? NOT_JSON, bodyHash));
        return;
      }
      const kept = withoutKey(json as Record<string, unknown>);
      const nowMs = needs.clock.nowMs();
      const dedupeKey = await repeats.keyOf(connection.id, bodyHash, nowMs);
      const acts = body.action !== null && own.onAction === undefined;
      const row: NewInboxRow = {
        connectionId: connection.id,
        source: 'ghl_workflow',
        dedupeKey,
        deliveryId: null,
        type: 'Workflow',
        occurredAt: new Date(nowMs),
        receivedAt: new Date(nowMs),
        customerId: null,
        cardId: null,
        contactId: storable((body.contactId as string).slice(0, 255)),
        verification: 'verified',
        flags: acts ? ['action_not_performed'] : [],
        headers: pickHeaders(req.headers, ['content-type', 'user-agent']),
        bodyHash,
        payload: kept === json ? textOf(rawBody) : JSON.stringify(kept),
      };
      if (body.action !== null && own.onAction)
        own.onAction(res, {
          connection,
          row,
          body: { ...body, action: body.action },
          json: kept,
          headers: req.headers,
          refuse: (found) => sendProblem(res, refuse(req, connection, found, bodyHash)),
        });
      else needs.commitThenAnswer(res, row, 429);
    };

    return (req, res) => {
      const path = parsePath(req.url ?? '');
      if (!path) return false;
      if (req.method !== 'POST') {
        sendProblem(res, POST_ONLY);
        return true;
      }
      readBody(req, BODY_BYTES_MAX, (rawBody) => {
        if (rawBody === 'too_large') refuseUnread(req, res, refuse(req, null, TOO_LARGE, ''));
        else receive(req, res, path, rawBody).catch((error: unknown) => needs.crashed(res, error));
      });
      return true;
    };
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface Path {
  connectionId: string | null;
  key: string | null;
}

function parsePath(url: string): Path | null {
  if (!url.startsWith(GHL_WORKFLOW_PATH)) return null;
  const [path = '', query = ''] = url.split('?', 2);
  const rest = path.slice(GHL_WORKFLOW_PATH.length);
  if (rest !== '' && !rest.startsWith('/')) return null;
  const parts = rest.split('/').filter((part) => part !== '');
  if (parts.length > 1) return null;
  try {
    const [connectionId = null] = parts.map(decodeURIComponent);
    // Not as a form would: a plus in a secret that was pasted as it is stays a plus.
    const key = /(?:^|&)key=([^&#]*)/.exec(query)?.[1];
    return { connectionId, key: key === undefined ? null : decodeURIComponent(key) };
  } catch {
    return null;
  }
}
