import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import { parseExactly } from '../domain/exactJson.ts';
import { readHead } from '../platforms/stickycards/envelope.ts';
import type { BodyRequest } from './bodyRequest.ts';
import type { CommitThenAnswer, Crashed } from './commitThenAnswer.ts';
import { type Problem, sendProblem } from './problem.ts';
import { textOf } from './rawText.ts';
import { readBody, refuseUnread } from './readBody.ts';
import { BODY_BYTES_MAX, NOT_JSON, POST_ONLY, refusal, TOO_LARGE, UNKNOWN_CONNECTION } from './receiverProblems.ts';
import { NO_CONNECTION, type Reject } from './rejections.ts';
import { parseStickyCardsPath } from './stickyCardsPath.ts';
import { type Delivery, stickyCardsRow } from './stickyCardsRow.ts';
import { verifyDelivery } from './verifyDelivery.ts';

/** Serves a request, or returns false when its path is not one of its own. */
export type Receive = (req: BodyRequest, res: ServerResponse) => boolean;

const ENCODED = refusal(
  415,
  'content_encoding',
  'The body is compressed',
  'Send it without Content-Encoding: the signature is checked on the bytes as sent.',
);

/**
 * `POST /webhooks/sticky-cards[/:connection[/:secret]]` (SPEC §2.1): verify the raw bytes, append to the inbox, commit,
 * answer. Checks in this order: 413, 404, 401, then the form of the body; nothing else happens in the request.
 */
export function createStickyCardsReceiver(needs: {
  connections: { get(id: string): Connection | undefined };
  /** The connection of a path that names none. */
  defaultConnectionId: string;
  clock: Pick<Clock, 'nowMs'>;
  reject: Reject;
  commitThenAnswer: CommitThenAnswer;
  crashed: Crashed;
}): Receive {
  const take = (
    req: IncomingMessage,
    connectionId: string,
    pathSecret: string | null,
    rawBody: Buffer,
  ): Delivery | Problem => {
    const refuse = (problem: Problem, known: boolean, countsAsFailure: boolean) =>
      needs.reject(req, {
        connectionId: known ? connectionId : NO_CONNECTION,
        source: 'stickycards',
        problem,
        countsAsFailure,
        bodyHash: hash('sha256', rawBody, 'base64url'),
      });
    const connection = needs.connections.get(connectionId);
    if (!connection) return refuse(UNKNOWN_CONNECTION, false, true);
    const verified = verifyDelivery(connection.stickyCards, req.headers, pathSecret, rawBody);
    if ('status' in verified) return refuse(verified, true, true);
    const unproved = verified.verification === 'unverified';
    const encoding = req.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return refuse(ENCODED, true, unproved);
    const text = textOf(rawBody);
    let body: unknown;
    try {
      body = parseExactly(text);
    } catch {
      return refuse(NOT_JSON, true, unproved);
    }
    const read = readHead(body);
    if (read.kind === 'invalid') {
      return refuse(refusal(400, read.code, 'The delivery cannot be used', read.message, read.field), true, unproved);
    }
    return {
      connectionId,
      headers: req.headers,
      head: read.head,
      contact: read.contact,
      verified,
      rawBody,
      text,
      receivedAtMs: needs.clock.nowMs(),
    };
  };

  const receive = (
    req: IncomingMessage,
    res: ServerResponse,
    { connectionId, secret }: { connectionId: string; secret: string | null },
    rawBody: Buffer | 'too_large',
  ): void => {
    if (rawBody === 'too_large') {
      const known = needs.connections.get(connectionId) !== undefined;
      const rejection = { connectionId: known ? connectionId : NO_CONNECTION, source: 'stickycards' as const };
      const problem = needs.reject(req, { ...rejection, problem: TOO_LARGE, countsAsFailure: true, bodyHash: '' });
      refuseUnread(req, res, problem);
      return;
    }
    const taken = take(req, connectionId, secret, rawBody);
    if ('status' in taken) sendProblem(res, taken);
    else needs.commitThenAnswer(res, stickyCardsRow(taken));
  };

  return (req, res) => {
    const path = parseStickyCardsPath(req.url ?? '');
    if (!path) return false;
    if (req.method !== 'POST') {
      sendProblem(res, POST_ONLY);
      return true;
    }
    const connectionId = path.connectionId ?? needs.defaultConnectionId;
    readBody(req, BODY_BYTES_MAX, (rawBody) => {
      try {
        receive(req, res, { connectionId, secret: path.secret }, rawBody);
      } catch (error) {
        needs.crashed(res, error);
      }
    });
    return true;
  };
}
