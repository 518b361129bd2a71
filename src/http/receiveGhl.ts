import type { IncomingMessage, ServerResponse } from 'node:http';
import { hash } from 'node:crypto';
import type { Connection } from '../domain/connection.ts';
import { createGhlVerifier, PUBLISHED_ED25519_KEY, PUBLISHED_RSA_KEY } from '../platforms/ghl/webhooks.ts';
import { ghlRow } from './ghlRow.ts';
import { type Problem, sendProblem } from './problem.ts';
import { readBody, refuseUnread } from './readBody.ts';
import { BODY_BYTES_MAX, POST_ONLY, refusal, TOO_LARGE } from './receiverProblems.ts';
import type { Receive } from './receiveStickyCards.ts';
import { NO_CONNECTION } from './rejections.ts';
import type { ReceiverNeeds } from './server.ts';

export const GHL_PATH = '/webhooks/ghl';

export interface GhlReceiverNeeds {
  connections: { byLocation(ghlLocationId: string): Connection | undefined };
  /** PEM; null = the published one. */
  ed25519Key: string | null;
  /** PEM; `published` = the published one; null = RSA signatures are not taken. */
  rsaKey: string | null;
}

const MISSING = refusal(
  401,
  'ghl_signature_missing',
  'The delivery is not signed',
  'App webhooks of GHL carry their signature in X-GHL-Signature. A workflow posts to /webhooks/ghl/workflow instead.',
);
const WRONG = refusal(
  401,
  'ghl_signature_wrong',
  'The signature does not match',
  'It must be the Ed25519 signature of the raw body by the key that GHL publishes, in base64. If GHL changed its key, set GHL_WEBHOOK_PUBLIC_KEY.',
);
const LEGACY = refusal(
  401,
  'ghl_signature_legacy',
  'Only the old signature was sent',
  'The delivery carries X-WH-Signature (RSA) alone. If GHL still signs in this way, set GHL_WEBHOOK_RSA_PUBLIC_KEY=on.',
);
const REFUSALS: Record<'missing' | 'wrong' | 'legacy', Problem> = { missing: MISSING, wrong: WRONG, legacy: LEGACY };

/**
 * `POST /webhooks/ghl` (SPEC §3.1): app webhooks of all locations. Verify the raw bytes, append to the inbox, commit,
 * answer. What is validly signed always gets 2xx, whatever it is: GHL pauses the address for all locations when too few of
 * its deliveries succeed. 401 is for bad signatures, 413 for bodies over 1 MiB, 429 for what could not be stored.
 */
export function createGhlReceiver(own: GhlReceiverNeeds): (needs: ReceiverNeeds) => Receive {
  const verify = createGhlVerifier({
    ed25519Key: own.ed25519Key ?? PUBLISHED_ED25519_KEY,
    rsaKey: own.rsaKey === 'published' ? PUBLISHED_RSA_KEY : own.rsaKey,
  });
  return (needs) => {
    const refuse = (req: IncomingMessage, problem: Problem, bodyHash: string) =>
      needs.reject(req, { connectionId: NO_CONNECTION, source: 'ghl', problem, countsAsFailure: true, bodyHash });

    const receive = (req: IncomingMessage, res: ServerResponse, rawBody: Buffer | 'too_large'): void => {
      if (rawBody === 'too_large') {
        refuseUnread(req, res, refuse(req, TOO_LARGE, ''));
        return;
      }
      const verdict = verify(req.headers, rawBody);
      if (verdict === 'missing' || verdict === 'wrong' || verdict === 'legacy') {
        sendProblem(res, refuse(req, REFUSALS[verdict], hash('sha256', rawBody, 'base64url')));
        return;
      }
      const delivery = { headers: req.headers, rawBody, signature: verdict, receivedAtMs: needs.clock.nowMs() };
      const row = ghlRow(delivery, (locationId) => own.connections.byLocation(locationId)?.id ?? null);
      needs.commitThenAnswer(res, row, 429);
    };

    return (req, res) => {
      if (!isPath(req.url ?? '')) return false;
      if (req.method !== 'POST') {
        sendProblem(res, POST_ONLY);
        return true;
      }
      readBody(req, BODY_BYTES_MAX, (rawBody) => {
        try {
          receive(req, res, rawBody);
        } catch (error) {
          needs.crashed(res, error);
        }
      });
      return true;
    };
  };
}

function isPath(url: string): boolean {
  if (url === GHL_PATH) return true;
  if (!url.startsWith(GHL_PATH)) return false;
  const [path] = url.split('?', 1);
  return path === GHL_PATH || path === `${GHL_PATH}/`;
}
