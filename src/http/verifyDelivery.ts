import type { IncomingHttpHeaders } from 'node:http';
import type { Connection } from '../domain/connection.ts';
import { constantTimeEqual, signatureHeader, verifyHmac } from '../platforms/signature.ts';
import type { InboxRow } from '../store/inbox.ts';
import type { Problem } from './problem.ts';

export interface Verified {
  verification: Extract<InboxRow['verification'], 'verified' | 'unverified' | 'path_secret'>;
  flag: 'signature_missing' | 'signature_wrong' | null;
}

const refusal = (code: string, title: string, detail: string): Problem => ({ status: 401, code, title, detail });

const MISSING = refusal(
  'signature_missing',
  'The delivery is not signed',
  'None of the headers X-Sticky-Signature, Sticky-Signature and X-Signature was sent. Switch signing on at the sender, ' +
    'or set the webhook mode of this connection to path-secret and use the address that holds the secret.',
);
const WRONG = refusal(
  'signature_wrong',
  'The signature does not match',
  'It must be the hex HMAC-SHA256 of the raw body, with or without "sha256=". Compare the secret on both sides.',
);
const NO_PATH_SECRET = refusal(
  'path_secret_missing',
  'The address holds no secret',
  'This connection takes deliveries at /webhooks/sticky-cards/<connection>/<secret>. Paste the whole address from the set-up page.',
);
const WRONG_PATH_SECRET = refusal(
  'path_secret_wrong',
  'The secret in the address does not match',
  'Paste the whole address from the set-up page again.',
);

/** Decides whether a delivery to this connection is genuine, by its mode (SPEC §2.1, 2): what to note, or the refusal. */
export function verifyDelivery(
  { webhookMode, webhookSecrets }: Connection['stickyCards'],
  headers: IncomingHttpHeaders,
  pathSecret: string | null,
  rawBody: Buffer,
): Verified | Problem {
  if (webhookMode === 'path-secret') {
    if (pathSecret === null) return NO_PATH_SECRET;
    // Every live secret is compared, so that the time tells nothing of which one it was.
    const matches = webhookSecrets.filter((secret) => secret !== '' && constantTimeEqual(secret, pathSecret));
    return matches.length > 0 ? { verification: 'path_secret', flag: null } : WRONG_PATH_SECRET;
  }
  const signature = signatureHeader(headers);
  if (verifyHmac(rawBody, signature, webhookSecrets)) return VERIFIED;
  if (webhookMode === 'log-only') {
    return { verification: 'unverified', flag: signature === undefined ? 'signature_missing' : 'signature_wrong' };
  }
  return signature === undefined ? MISSING : WRONG;
}

const VERIFIED: Verified = { verification: 'verified', flag: null };
