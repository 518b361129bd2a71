// What the remote sides repeat of people and keys stays out of logs, problems and runs (SPEC §6, §8).
import { Writable } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import winston from 'winston';
import { createLogger } from '../../src/log.ts';
import { delivery } from '../helpers/story.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

function listeningLogger() {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLogger('debug');
  log.clear().add(new winston.transports.Stream({ stream }));
  return { log, lines };
}

/** Everything that an operator can read of what went wrong. */
const said = async (lines: string[]): Promise<string> => {
  const lists = await Promise.all(['/problems', '/runs', '/logs'].map((path) => t.api(path)));
  return JSON.stringify([lines, ...lists.map(({ body }) => body)]);
};

test('a phone number that GHL refuses is shown in no log line and in no problem', async () => {
  const { log, lines } = listeningLogger();
  t = await startTestApp({ overrides: { log } });
  const body = { statusCode: 422, message: ['phone +1-555-1234 must be a valid phone number'] };
  t.ghl.faults.add({ kind: 'status', method: 'POST', path: /^\/contacts\/$/, status: 422, body });
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  const text = await said(lines);
  expect(text).toContain('must be a valid phone number');
  expect(text).not.toContain('555-1234');
});

test('a token that GHL refuses is shown in no log line and in no run', async () => {
  const { log, lines } = listeningLogger();
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig_secret';
  t = await startTestApp({ overrides: { log } });
  await t.deliver(delivery('CardInstalledEvent', 1));
  t.ghl.faults.add({ kind: 'status', status: 401, body: { statusCode: 401, message: `Invalid JWT: ${token}` } });
  await t.run();
  const text = await said(lines);
  expect(text).toContain('Invalid JWT');
  expect(text).not.toMatch(/sig_secret|eyJz/);
});
