import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { projectRoot } from '../../src/paths.ts';
import { createGhlSimulator } from '../../src/simulators/ghl/index.ts';
import { mass } from '../helpers/mass.ts';
import { delivery, person } from '../helpers/story.ts';

const SECRET = 'whsec_7d1f0c';
const PEOPLE = mass(20, 40);
const KILLS = mass(3, 12);

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** The service as `npm start` runs it, on an own database, with a run every second. */
async function startService(env: Record<string, string>): Promise<{ process: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--no-warnings', join(projectRoot, 'src/main.ts')], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  while (!/listens at (\S+)/.test(output)) {
    if (child.exitCode !== null) throw new Error(`the service did not start: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { process: child, url: /listens at (\S+)/.exec(output)?.[1] as string };
}

test('kill -9 at any moment: every acknowledged delivery is in the database, the next start carries on, nobody is made twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'killed-'));
  const file = join(folder, 'sync.db');
  // Answers that take a while, so that a kill finds calls under way.
  const ghl = createGhlSimulator({
    rateLimit: { max: 100_000, intervalMs: 10_000, daily: 10_000_000 },
    locations: [{ id: 'LOC1', timezone: 'America/New_York', tokens: ['pit-5f2c'] }],
  });
  await ghl.start();
  ghl.faults.add({ kind: 'delay', delayMs: 25 });
  const env = {
    DATABASE_URL: `file:${file}`,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'error',
    START_MODE: 'live',
    SYNC_CRON: '* * * * * *',
    ADMIN_TOKEN: 'admin-7f3b9d2e5c',
    ADMIN_PASSWORD: 'pw-7f3b9d2e5c',
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    GHL_API_BASE_URL: ghl.url,
    GHL_LOCATION_ID: 'LOC1',
    GHL_ACCESS_TOKEN: 'pit-5f2c',
    STICKY_CARDS_WEBHOOK_SECRET: SECRET,
  };
  const acknowledged: string[] = [];
  const bodies = Array.from({ length: PEOPLE }, (_, n) => [
    delivery('CardInstalledEvent', 1, person(n)),
    delivery('CardBalanceUpdatedEvent', 2, { ...person(n), balance: 10 + n }),
    delivery('CustomerSegmentLinkedEvent', 3, { ...person(n), segment: 'VIP' }),
  ]).flat();

  const post = async (url: string, body: Record<string, unknown>): Promise<boolean> => {
    const raw = JSON.stringify(body);
    const signature = createHmac('sha256', SECRET).update(raw).digest('hex');
    try {
      const answer = await fetch(`${url}/webhooks/sticky-cards`, {
        method: 'POST',
        headers: { 'x-sticky-signature': signature },
        body: raw,
      });
      if (!answer.ok) return false;
      acknowledged.push(((await answer.json()) as { receiptId: string }).receiptId);
      return true;
    } catch {
      return false;
    }
  };

  const waiting = [...bodies];
  for (let kill = 0; kill <= KILLS; kill++) {
    const service = await startService(env);
    const last = kill === KILLS;
    const until = Date.now() + 300 + Math.random() * 1500;
    while (waiting.length > 0 && (last || Date.now() < until)) {
      const batch = waiting.splice(0, 4);
      const taken = await Promise.all(batch.map((body) => post(service.url, body)));
      // As a sender would: what was not acknowledged is sent again (and may be there already).
      waiting.push(...batch.filter((_, i) => !taken[i]));
      if (!last) await new Promise((resolve) => setTimeout(resolve, 30));
    }
    if (!last) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, until - Date.now())));
      service.process.kill('SIGKILL');
      await once(service.process, 'exit');
      continue;
    }
    const run = async () => {
      const answer = await fetch(`${service.url}/api/runs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${env.ADMIN_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ wait: true }),
      });
      expect(answer.status).toBe(200);
    };
    await run();
    await run();
    service.process.kill('SIGTERM');
    expect(await once(service.process, 'exit')).toEqual([0, null]);
  }

  const db = new Database(file, { readonly: true });
  const stored = new Set(db.prepare('select id from webhook_events').pluck().all());
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  expect(db.prepare("select count(*) from sync_run_summaries where status = 'running'").pluck().get()).toBe(0);
  expect(db.prepare("select count(*) from sticky_cards_customers where sync_status <> 'SYNCED'").pluck().get()).toBe(0);
  db.close();
  const contacts = ghl.state.contacts('LOC1');
  await ghl.stop();
  expect(contacts).toHaveLength(PEOPLE);
  for (let n = 0; n < PEOPLE; n++) {
    const contact = contacts.find((c) => c.email === `person${n}@example.com`);
    expect(contact).toMatchObject({
      customFields: { loyalty_points: 10 + n, card_status: 'installed' },
      tags: ['card holder', 'vip'],
    });
  }
}, 300_000);
