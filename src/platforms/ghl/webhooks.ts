import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parseInstant } from '../stickycards/time.ts';
import { contactSeen, type GhlContactSeen } from './contact.ts';
import { contactSchema } from './schemas.ts';

/** The keys that GHL publishes (ghl.md §9.2). They sign the webhooks of every app, so a signature proves GHL, not an app. */
export const PUBLISHED_ED25519_KEY = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=
-----END PUBLIC KEY-----`;

export const PUBLISHED_RSA_KEY = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
-----END PUBLIC KEY-----`;

/** Which header proved a delivery, or why none did. `legacy` = only the RSA signature came, and that one is switched off. */
export type SignatureVerdict = 'x-ghl-signature' | 'x-wh-signature' | 'missing' | 'wrong' | 'legacy';

export type VerifyGhl = (headers: IncomingHttpHeaders, rawBody: Buffer) => SignatureVerdict;

/**
 * Verifies app webhooks over their raw bytes (SPEC §3.1): Ed25519 in `X-GHL-Signature`; where that is absent RSA-SHA256
 * in `X-WH-Signature`, if `rsaKey` is given. The first one that is present decides; `N/A` counts as absent.
 * @param keys PEM; throws where one of them is no public key
 */
export function createGhlVerifier(keys: { ed25519Key: string; rsaKey: string | null }): VerifyGhl {
  const ed25519 = createPublicKey(keys.ed25519Key);
  const rsa = keys.rsaKey === null ? null : createPublicKey(keys.rsaKey);
  return (headers, rawBody) => {
    const current = signatureIn(headers['x-ghl-signature']);
    if (current !== null) return isSigned(null, ed25519, rawBody, current) ? 'x-ghl-signature' : 'wrong';
    const legacy = signatureIn(headers['x-wh-signature']);
    if (legacy === null) return 'missing';
    if (rsa === null) return 'legacy';
    return isSigned('sha256', rsa, rawBody, legacy) ? 'x-wh-signature' : 'wrong';
  };
}

function signatureIn(header: string | string[] | undefined): string | null {
  const value = (Array.isArray(header) ? header.join(', ') : (header ?? '')).trim();
  return value === '' || value.toUpperCase() === 'N/A' ? null : value;
}

function isSigned(algorithm: 'sha256' | null, key: KeyObject, rawBody: Buffer, signature: string): boolean {
  try {
    return verify(algorithm, rawBody, key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** What the door needs of a delivery. */
export interface GhlHead {
  type: string;
  locationId: string | null;
  appId: string | null;
  /** The contact that it is about. */
  contactId: string | null;
  webhookId: string | null;
  /** When GHL sent it (ms); null = missing or no time. */
  sentAtMs: number | null;
}

type Body = Record<string, unknown>;

const isBody = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : null;

/** Deliveries are flat; GHL's own guide shows them nested in `data` (ghl.md §9.1). The envelope may be on either level. */
function levels(body: Body): { inner: Body; envelope: (name: string) => unknown } {
  const inner = isBody(body['data']) ? body['data'] : body;
  return { inner, envelope: (name) => body[name] ?? inner[name] };
}

/** Reads the envelope of a delivery; null when it is no object or says no type. Never throws. */
export function readGhlHead(json: unknown): GhlHead | null {
  if (!isBody(json)) return null;
  const { inner, envelope } = levels(json);
  const type = text(envelope('type'));
  if (type === null) return null;
  const sentAtMs = parseInstant(envelope('timestamp'));
  return {
    type,
    locationId: text(envelope('locationId')),
    appId: text(envelope('appId')),
    contactId: type.startsWith('Contact') ? text(inner['id'] ?? json['id']) : text(envelope('contactId')),
    webhookId: text(envelope('webhookId')),
    // No database holds every year before 1970; so long ago it is stale either way (SPEC §3.1).
    sentAtMs: sentAtMs === null ? null : Math.max(0, sentAtMs),
  };
}

/** The contact that a Contact* delivery shows; null when its form is not known. Never throws. */
export function deliveredContact(json: unknown): GhlContactSeen | null {
  if (!isBody(json)) return null;
  const { inner } = levels(json);
  const parsed = contactSchema.safeParse(inner['id'] === undefined ? { ...inner, id: json['id'] } : inner);
  return parsed.success ? contactSeen(parsed.data) : null;
}
