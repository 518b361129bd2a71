import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Where Sticky Cards may put its signature (SPEC §2.1): the first header that is present decides, even when it is wrong. */
export const STICKY_SIGNATURE_HEADERS = ['x-sticky-signature', 'sticky-signature', 'x-signature'] as const;

/** The value that decides, or undefined when none of `names` (lower case) was sent. */
export function signatureHeader(
  headers: IncomingHttpHeaders,
  names: readonly string[] = STICKY_SIGNATURE_HEADERS,
): string | undefined {
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) return typeof value === 'string' ? value : value.join(', ');
  }
  return undefined;
}

// HMAC (RFC 2104) as two one-shot hashes over padded buffers that are kept per secret. Measured on the target machine
// with a body of 350 bytes: createHmac with a string 3.5 µs, with a KeyObject 2.3 µs, this 1.3 µs.
const BLOCK = 64;
const DIGEST = 32;
const SCRATCH_MAX = 64 * 1024;
const PADS_MAX = 5_000;

const innerScratch = Buffer.alloc(BLOCK + SCRATCH_MAX);
const outerScratch = Buffer.alloc(BLOCK + DIGEST);
const expectedScratch = Buffer.alloc(2 * DIGEST);
const givenScratch = Buffer.alloc(2 * DIGEST);

interface Pads {
  inner: Buffer;
  outer: Buffer;
}
const padsBySecret = new Map<string, Pads>();

function padsOf(secret: string): Pads {
  const known = padsBySecret.get(secret);
  if (known !== undefined) return known;
  const bytes = Buffer.from(secret, 'utf8');
  const key = Buffer.alloc(BLOCK);
  (bytes.length > BLOCK ? hash('sha256', bytes, 'buffer') : bytes).copy(key);
  const pads: Pads = { inner: Buffer.alloc(BLOCK), outer: Buffer.alloc(BLOCK) };
  for (const [index, byte] of key.entries()) {
    pads.inner[index] = byte ^ 0x36;
    pads.outer[index] = byte ^ 0x5c;
  }
  // Secrets come and go with rotations; dropping them all is simpler than an order of use and happens practically never.
  if (padsBySecret.size >= PADS_MAX) padsBySecret.clear();
  padsBySecret.set(secret, pads);
  return pads;
}

/** Hex HMAC-SHA256 of the bytes, lower case, without a prefix. */
export function signHmac(rawBody: Buffer, secret: string): string {
  if (rawBody.length > SCRATCH_MAX) return createHmac('sha256', secret).update(rawBody).digest('hex');
  const pads = padsOf(secret);
  innerScratch.set(pads.inner);
  innerScratch.set(rawBody, BLOCK);
  outerScratch.set(pads.outer);
  outerScratch.write(hash('sha256', innerScratch.subarray(0, BLOCK + rawBody.length), 'hex'), BLOCK, 'hex');
  return hash('sha256', outerScratch, 'hex');
}

const HEX_DIGITS = 2 * DIGEST;
const HEX_SIGNATURE = /^\s*(?:sha256=)?([0-9a-f]{64})\s*$/i;

/**
 * Is the header the HMAC-SHA256 of the raw bytes under one of the live secrets (two during a rotation)? Hex in any
 * case, with or without `sha256=` (SPEC §2.1). Compared in constant time; an empty secret verifies nothing; never throws.
 */
export function verifyHmac(rawBody: Buffer, headerValue: string | undefined, secrets: readonly string[]): boolean {
  if (headerValue === undefined) return false;
  // Bare digits, as nearly all send them, need no taking apart.
  const digits = headerValue.length === HEX_DIGITS ? headerValue : HEX_SIGNATURE.exec(headerValue)?.[1];
  // As UTF-8, where no letter but a digit's own has its byte.
  if (digits === undefined || givenScratch.write(digits.toLowerCase(), 'utf8') !== HEX_DIGITS) return false;
  for (const secret of secrets) {
    if (secret === '') continue;
    expectedScratch.write(signHmac(rawBody, secret), 'latin1');
    if (timingSafeEqual(givenScratch, expectedScratch)) return true;
  }
  return false;
}

/** Equality of two secrets of any length, for secrets in paths and headers: takes as long for a near miss as for a far one. */
export function constantTimeEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
