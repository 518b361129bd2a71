import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACTIONS, type ActionName, isAction, readActionCall, senderOf, withoutSecret } from '../domain/actionCall.ts';
import type { Connection } from '../domain/connection.ts';
import { readActionBody } from './actionBody.ts';
import { ACTIONS_PATH, actionsOpenApi, OPENAPI_PATH } from './actionsOpenApi.ts';
import { type ActionDoorNeeds, asTaken, CONFLICT, NOT_STORED, type Sent } from './actionTaken.ts';
import { type Problem, sendProblem } from './problem.ts';
import { readBody, refuseUnread } from './readBody.ts';
import { BODY_BYTES_MAX, POST_ONLY, refusal, TOO_LARGE, UNKNOWN_CONNECTION } from './receiverProblems.ts';
import type { Receive } from './receiveStickyCards.ts';
import { NO_CONNECTION } from './rejections.ts';
import type { ReceiverNeeds } from './server.ts';
import { createRepeats } from './workflowRepeats.ts';
import { authorize, keysIn } from './workflowKey.ts';

const UNKNOWN_ACTION = refusal(
  404,
  'unknown_action',
  'There is no such action',
  `The actions are ${ACTIONS.join(', ')}.`,
);
const NOT_READABLE = refusal(
  400,
  'malformed_body',
  'The body cannot be read',
  'The body has to be one JSON object, or a form, in UTF-8.',
);
const AMBIGUOUS_DETAIL =
  'The body names no location, so the connection cannot be told. Put its name into the address: /actions/<connection>/<action>.';

/**
 * `POST /actions/<action>` and `/actions/<connection>/<action>` (SPEC §3.4): what GHL workflows call. Checks: 413, 404,
 * 401, 400, 409; then 200 with an answer that a workflow can branch on, also when the call was rejected. 429 from who failed
 * too often, or when the call could not be stored.
 */
export function createActionsReceiver(own: ActionDoorNeeds): (needs: ReceiverNeeds) => Receive {
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
      const end = (problem: Problem, connection: Connection | null = null) =>
        sendProblem(res, refuse(req, connection, problem, bodyHash));
      if (path.connectionId !== null && !own.connections.get(path.connectionId)) return end(UNKNOWN_CONNECTION);
      if (path.action === null) return end(UNKNOWN_ACTION);
      const body = readActionBody(rawBody);
      const sender = body === null ? { key: null, locationId: null } : senderOf(body);
      const keys = keysIn(req.headers, path.key, sender.key);
      const connection = authorize(own.connections, keys, path.connectionId, sender.locationId);
      if ('status' in connection) {
        const ambiguous = connection.code === 'workflow_key_ambiguous';
        return end(ambiguous ? { ...connection, detail: AMBIGUOUS_DETAIL } : connection);
      }
      if (body === null) return end(NOT_READABLE, connection);
      const call = readActionCall(path.action, body);
      if ('field' in call) return end(parameterProblem(call), connection);
      const kept = withoutSecret(body);
      const sent: Sent = { headers: req.headers, connection, call, body: kept, bodyHash, nowMs: needs.clock.nowMs() };
      const taken = await asTaken(repeats, sent);
      const reply = await own.actions.take(taken);
      if (reply.kind === 'answer') sendAnswer(res, reply.body);
      else if (reply.kind === 'not_stored') sendProblem(res, NOT_STORED);
      else end(CONFLICT, connection);
    };

    return (req, res) => {
      const path = parsePath(req.url ?? '');
      if (!path) return false;
      if (path === 'openapi') {
        sendAnswer(res, openApi());
        return true;
      }
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

let described: string | undefined;
const openApi = (): string => (described ??= JSON.stringify(actionsOpenApi()));

export const parameterProblem = ({ field, detail }: { field: string; detail: string }): Problem =>
  refusal(400, 'parameter', 'A parameter is missing or cannot be used', detail, field);

function sendAnswer(res: ServerResponse, body: string): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  res.end(body);
}

interface Path {
  connectionId: string | null;
  /** null = there is no such action. */
  action: ActionName | null;
  key: string | null;
}

function parsePath(url: string): Path | 'openapi' | null {
  const [path = '', query = ''] = url.split('?', 2);
  if (path === OPENAPI_PATH) return 'openapi';
  if (!path.startsWith(`${ACTIONS_PATH}/`)) return null;
  const parts = path
    .slice(ACTIONS_PATH.length)
    .split('/')
    .filter((part) => part !== '');
  if (parts.length === 0 || parts.length > 2) return null;
  try {
    const names = parts.map(decodeURIComponent);
    const action = names.pop() as string;
    const [connectionId = null] = names;
    // Not as a form would: a plus in a secret that was pasted as it is stays a plus.
    const key = /(?:^|&)key=([^&#]*)/.exec(query)?.[1];
    return {
      connectionId,
      action: isAction(action) ? action : null,
      key: key === undefined ? null : decodeURIComponent(key),
    };
  } catch {
    return null;
  }
}
