import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import winston from 'winston';
import { createLogger } from '../../src/log.ts';
import { maskInId, maskPersonal } from '../../src/maskPersonal.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig_secret';

describe('what must not be read in a log', () => {
  test.each([
    ['a short number after a plus', 'phone +1-555-1234 must be a valid phone number', '+1-***34'],
    ['a short number after the word', 'phone 555-1234 is taken', 'phone ***34 is taken'],
    ['the same as JSON', '{"phoneNumber":"5551234"}', '{"phoneNumber":"***34"}'],
    ['with a slash', 'call +49 30/1234567 now', 'call +49***67 now'],
    ['with a slash and no plus', 'call 030 / 1234567 now', 'call 030***67 now'],
    ['in a URL', '?query=%2B12125550142&limit=1', '?query=%2B***42&limit=1'],
    ['in a URL, blanks as plus', '?query=%2B1+212+555+0142&limit=1', '?query=%2B***42&limit=1'],
    ['with brackets', 'of +1 (212) 555 - 0142 here', 'of +1 ***42 here'],
    ['with hyphens that do not break', '212\u2011555\u20110142', '212***42'],
    ['with blanks that do not break', '212\u00a0555\u00a00142', '212***42'],
    ['with two zeros', '0049 170 1234567', '004***67'],
    ['behind a date', '2026-03-20 2125550142', '2026-03-20 212***42'],
    ['an e-mail address', 'ana@example.com is taken', 'a***@example.com is taken'],
    ['an e-mail address in a URL', '?query=ana%40example.com', '?query=a***%40example.com'],
    ['a token of GHL', 'token pit-5f2c-77 is wrong', 'token pit-*** is wrong'],
    ['a key of Sticky Cards', 'key sk_7a9e11 is wrong', 'key sk_*** is wrong'],
    ['a live key', 'key sk_live_7a9e is wrong', 'key sk_live_*** is wrong'],
    ['a JSON Web Token', `Invalid JWT: ${JWT}`, 'Invalid JWT: eyJ***'],
    ['one that was cut short', `token=${JWT.slice(0, 30)}…`, 'token=eyJ***'],
    ['a bearer', 'sent Authorization: Bearer abc.def', 'sent Authorization: Bearer ***'],
  ])('%s', (_name, text, shown) => {
    expect(maskPersonal(text)).toContain(shown);
  });
});

test.each([
  'evt_01J9ZK3A4B5C6D7E8F9G0H1J2K was received',
  'trace 8f14e45f-ceea-4672-9b1c-0123456789ab',
  'trace 12345678-1234-1234-1234-123456789012',
  'card 888387-130-039 of cus-12345678901',
  '888387-130-039 888387-130-040',
  'the phone of card 888387-130-039 is gone',
  'at 2026-03-20 15:04:05.123 and 2026-03-20T15:04:05+00:00 and 20.03.2026 15:04',
  'since 1774019045000',
  '1234567.89 EUR, +1000 points, 12345678 ms',
  'POST /contacts/12345/67890123 took 20 ms',
  'connect ECONNREFUSED 127.0.0.1:3000',
  'phone number must be at least 7 digits',
  'task_id 5 at the risk_level 7',
])('what operators search for stays readable: %s', (text) => {
  expect(maskPersonal(text)).toBe(text);
});

test('a long row of digits that is known to be an id stays whole, what is surely personal does not', () => {
  expect(maskInId('2125550142')).toBe('2125550142');
  expect(maskInId('+12125550142')).toBe('+12***42');
  expect(maskInId('ana@example.com')).toBe('a***@example.com');
});

// Quadratic in the length, each of these takes seconds to hours.
test.each(['a', '1', '1 ', '+', '+1 (', 'phone ', 'eyJ', 'a.', '01/ 1'])(
  'a long text of "%s" costs no more than reading it',
  (part) => {
    const startedMs = performance.now();
    maskPersonal(`${part.repeat(100_000 / part.length)}@`);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  },
);

test('a log line shows ids as they are, and no phone number, whether it came as text or as a number', () => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLogger('info');
  log.clear().add(new winston.transports.Stream({ stream }));
  log.info('looked for 2125550142', {
    customerId: '2125550142',
    cardId: '888387-130-039',
    phone: 12125550142,
    phones: 3,
  });
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    message: 'looked for 212***42',
    customerId: '2125550142',
    cardId: '888387-130-039',
    phone: '***',
    phones: 3,
  });
});
