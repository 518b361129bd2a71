import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { mass } from '../helpers/mass.ts';
import { sign } from '../helpers/receiver.ts';

const KILLS = mass(4, 20);
const SENDERS = 16;

const file = join(mkdtempSync(join(tmpdir(), 'kill-')), 'sync.db');
const entry = fileURLToPath(new URL('../helpers/receiverProcess.ts', import.meta.url));
const quickImports = new URL('../../src/quickImports.ts', import.meta.url).href;
let running: ChildProcess | null = null;
afterAll(() => void running?.kill('SIGKILL'));

async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--no-warnings', '--import', quickImports, entry, file], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
  return { child, url: /listens at (\S+)/.exec(String(line))?.[1] as string };
}

/** Resolves with the answer once all of it has come; rejects when the connection breaks before. */
const post = (url: string, agent: Agent, body: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-sticky-signature': sign(body) };
    const req = request(`${url}/webhooks/sticky-cards`, { method: 'POST', agent, headers }, (res) => {
      let text = '';
      res.on('data', (chunk) => (text += String(chunk)));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });

test('kill -9 at any moment under load: every delivery that was acknowledged is there, once', async () => {
  const acknowledged = new Map<string, string>();
  let sent = 0;
  for (let round = 0; round < KILLS; round += 1) {
    const { child, url } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: SENDERS });
    let alive = true;
    let enough: () => void = () => {};
    const hadEnough = new Promise<void>((resolve) => (enough = resolve));
    // Another number of answers each time, so that the kill finds the process at another moment of a commit;
    // counted in answers, because a slow machine gives fewer of them in any stretch of time.
    const killAfter = acknowledged.size + 3 * SENDERS + Math.floor(Math.random() * 20 * SENDERS);
    const senders = Array.from({ length: SENDERS }, async () => {
      while (alive) {
        sent += 1;
        const body = JSON.stringify({
          event_type: 'CardScannedEvent',
          timestamp: Math.floor(Date.now() / 1000),
          customer_id: `c${sent}`,
          note: 'x'.repeat(300),
        });
        try {
          const { status, text } = await post(url, agent, body);
          expect(status).toBe(202);
          const { receiptId, duplicate } = JSON.parse(text) as { receiptId: string; duplicate: boolean };
          expect(duplicate).toBe(false);
          acknowledged.set(receiptId, body);
          if (acknowledged.size >= killAfter) enough();
        } catch (error) {
          if (alive) throw error;
        }
      }
    });
    // A sender that fails before the kill ends the wait as well: its error is the test's.
    await Promise.race([hadEnough, Promise.all(senders)]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    alive = false;
    child.kill('SIGKILL');
    await Promise.all([once(child, 'exit'), ...senders]);
    agent.destroy();
  }

  expect(acknowledged.size).toBeGreaterThan(KILLS * SENDERS);
  const database = new Database(file);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  const stored = new Map(
    database
      .prepare<[], { id: string; payload: string }>('select id, payload from webhook_events')
      .all()
      .map((row) => [row.id, row.payload]),
  );
  database.close();
  const lost = [...acknowledged].filter(([id, body]) => stored.get(id) !== body);
  expect(lost).toEqual([]);
  // What was stored without its answer having come through is at most what each sender had under way.
  expect(stored.size - acknowledged.size).toBeLessThanOrEqual(KILLS * SENDERS);
}, 300_000);
