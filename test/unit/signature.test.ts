import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  constantTimeEqual,
  signatureHeader,
  signHmac,
  STICKY_SIGNATURE_HEADERS,
  verifyHmac,
} from '../../src/platforms/signature.ts';

const secret = 'whsec_2f1c';
const body = Buffer.from('{"event_type":"CardScannedEvent"}');
const hex = createHmac('sha256', secret).update(body).digest('hex');

describe('signHmac', () => {
  it('equals HMAC-SHA256 for any secret and any body', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
        fc.uint8Array({ maxLength: 300 }),
        (key, bytes) => {
          const raw = Buffer.from(bytes);
          expect(signHmac(raw, key)).toBe(createHmac('sha256', key).update(raw).digest('hex'));
        },
      ),
    );
  });

  it.each([0, 1, 63, 64, 65, 65_535, 65_536, 65_537, 1_048_576])(
    'equals HMAC-SHA256 for a body of %d bytes',
    (length) => {
      const raw = Buffer.alloc(length, 'x');
      expect(signHmac(raw, secret)).toBe(createHmac('sha256', secret).update(raw).digest('hex'));
    },
  );
});

describe('verifyHmac', () => {
  it.each([
    ['lower case', hex],
    ['upper case', hex.toUpperCase()],
    ['with a prefix', `sha256=${hex}`],
    ['with an upper-case prefix', `SHA256=${hex.toUpperCase()}`],
    ['with spaces around', ` ${hex} `],
  ])('accepts hex in %s', (_how, header) => {
    expect(verifyHmac(body, header, [secret])).toBe(true);
  });

  it('accepts both secrets of a rotation and no other', () => {
    expect(verifyHmac(body, hex, ['whsec_new', secret])).toBe(true);
    expect(verifyHmac(body, hex, [secret, 'whsec_new'])).toBe(true);
    expect(verifyHmac(body, hex, ['whsec_new'])).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['half of it', hex.slice(0, 32)],
    ['one digit too many', `${hex}0`],
    ['another prefix', `sha1=${hex}`],
    ['letters that look like hex once cut to a byte', hex.replace('a', 'š')],
    ['as many letters that are no digits', 'z'.repeat(64)],
    ['base64', createHmac('sha256', secret).update(body).digest('base64')],
    ['two values', `${hex}, ${hex}`],
  ])('refuses %s', (_what, header) => {
    expect(verifyHmac(body, header, [secret])).toBe(false);
  });

  it('verifies nothing without a secret, or with an empty one', () => {
    const unsigned = createHmac('sha256', '').update(body).digest('hex');
    expect(verifyHmac(body, unsigned, [])).toBe(false);
    expect(verifyHmac(body, unsigned, [''])).toBe(false);
  });

  it('refuses the same signature over other bytes, and never throws', () => {
    expect(verifyHmac(Buffer.concat([body, Buffer.from(' ')]), hex, [secret])).toBe(false);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (header) => {
        expect(verifyHmac(body, header, [secret])).toBe(false);
      }),
    );
  });
});

describe('signatureHeader', () => {
  it('takes the first header that is present, even when it is wrong', () => {
    expect(STICKY_SIGNATURE_HEADERS).toEqual(['x-sticky-signature', 'sticky-signature', 'x-signature']);
    expect(signatureHeader({ 'x-signature': hex, 'sticky-signature': 'wrong' })).toBe('wrong');
    expect(signatureHeader({ 'x-signature': hex, 'x-sticky-signature': '' })).toBe('');
    expect(signatureHeader({ 'x-signature': hex })).toBe(hex);
    expect(signatureHeader({})).toBeUndefined();
  });
});

describe('constantTimeEqual', () => {
  it('says whether two secrets are equal, whatever their lengths', () => {
    expect(constantTimeEqual('path-secret', 'path-secret')).toBe(true);
    expect(constantTimeEqual('path-secret', 'path-secre')).toBe(false);
    expect(constantTimeEqual('', 'x')).toBe(false);
    expect(constantTimeEqual('zażółć', 'zażółć')).toBe(true);
  });
});
