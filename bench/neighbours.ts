// Whether bad neighbours are felt (SPEC §5, many connections): many connections in one service, in a process of its own.
// First the healthy ones alone; then with four more: one whose GHL is down, one that answers after 5 s, one whose token
// is refused, one with very many people waiting. Deliveries come for all of them; the lag is from a delivery's 202 to its
// write in GHL. Contract: p95 of the healthy ones with the four ≤ 1.2 × without.
//   npm run check:neighbours [-- connections [pending [seconds [rounds]]]]
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eq } from 'drizzle-orm';
import { createCore } from '../src/core.ts';
import { loadConfig } from '../src/config.ts';
import { silentLogger } from '../src/log.ts';
import { projectRoot } from '../src/paths.ts';
import { contactIdOf, customerIdOf, writeLinkedPeople } from './linkedPeople.ts';
import type { Said, Seen } from './neighbourGhl.ts';

const CONNECTIONS = Number(process.argv[2] ?? 50);
const PENDING = Number(process.argv[3] ?? 100_000);
const SECONDS = Number(process.argv[4] ?? 60);
const ROUNDS = Number(process.argv[5] ?? 1);
const RATIO_MAX = 1.2;
/** Deliveries per second, over all connections. */
const RATE = 20;
const PEOPLE = 30;
/** So that each connection runs far more often than in real life, without the runs themselves filling the machine. */
const RUN_EVERY_S = 5;
/** So long it is waited for the last writes. */
const PATIENCE_S = 60;
const BAD = ['down', 'slow', 'refused', 'heavy'] as const;
const SECRET = 'bench-3f9a1c77d2';
const TOKEN = 'admin-7f3b9d2e5c';
const HEAVY_FROM = 1_000_000;

const healthy = Array.from({ length: CONNECTIONS - BAD.length }, (_, n) => `ok${n}`);

const said = (child: ChildProcess) => new Promise<Said>((resolve) => child.once('message', resolve as () => void));

const environment = (file: string): Record<string, string> => ({
  DATABASE_URL: `file:${file}`,
  HOST: '127.0.0.1',
  PORT: '0',
  SANDBOX: '0',
  LOG_LEVEL: 'error',
  SYNC_CRON: `*/${RUN_EVERY_S} * * * * *`,
  ADMIN_TOKEN: TOKEN,
  ADMIN_PASSWORD: 'pw-7f3b9d2e5c',
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
});

/** Numbers of a connection's people; contacts of all connections are different ones. */
const firstOf = (name: string) =>
  name === 'heavy' ? HEAVY_FROM : ([...healthy, ...BAD].indexOf(name as (typeof BAD)[number]) + 1) * 1000;

async function prepare(file: string, url: string, names: readonly string[]): Promise<void> {
  const core = await createCore(loadConfig(environment(file), projectRoot), { log: silentLogger });
  for (const name of names) {
    const kind = (['down', 'slow', 'refused'] as string[]).includes(name) ? name : 'ok';
    await core.connections.create(
      name,
      {
        ghlApiBaseUrl: url,
        ghlLocationId: `LOC-${name}`,
        ghlAccessToken: `pit-${kind}-${name}`,
        stickyCardsWebhookSecrets: [SECRET],
      },
      'bench',
      'live',
    );
    const people = name === 'heavy' ? PENDING : PEOPLE;
    for (let from = 0; from < people; from += 1000)
      await writeLinkedPeople(core.store, firstOf(name) + from, Math.min(1000, people - from), name);
  }
  const { stickyCardsCustomers: t } = core.store.s;
  const scanned = { lastActivity: core.store.clock.now(), version: 2, syncStatus: 'PENDING' as const };
  await core.store.tx((db) => db.update(t).set(scanned).where(eq(t.connectionId, 'heavy')));
  await core.close();
}

interface Sent {
  contactId: string;
  value: number;
  atMs: number;
}

/** Delivers evenly for a while; what of the healthy ones was taken, and when. */
async function deliver(address: string, names: readonly string[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  const posts: Promise<void>[] = [];
  const startMs = performance.now();
  for (let n = 0; n < SECONDS * RATE; n++) {
    const waitMs = startMs + (n * 1000) / RATE - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const name = names[n % names.length] as string;
    // Not one of each third: their contact would get a tag too.
    const person = firstOf(name) + 1 + 3 * (Math.floor(n / names.length) % Math.floor(PEOPLE / 3));
    const value = 100 + n;
    const body = JSON.stringify({
      event_type: 'CustomerReferralCreatedEvent',
      timestamp: Date.now(),
      customer_id: customerIdOf(person),
      referral_count: value,
    });
    posts.push(
      fetch(`${address}/webhooks/sticky-cards/${name}`, {
        method: 'POST',
        headers: { 'x-sticky-signature': createHmac('sha256', SECRET).update(body).digest('hex') },
        body,
      }).then(async (answer) => {
        await answer.arrayBuffer();
        if (answer.status !== 202) throw new Error(`a delivery was answered ${answer.status}`);
        if (name.startsWith('ok')) sent.push({ contactId: contactIdOf(person), value, atMs: Date.now() });
      }),
    );
  }
  await Promise.all(posts);
  return sent;
}

/** Lags in ms, sorted; a write that shows a later value carries the earlier ones. */
function lagsOf(sent: readonly Sent[], seen: readonly Seen[]): { lags: number[]; missing: number } {
  const writes = Map.groupBy(seen, (one) => one.contactId);
  const lags = sent.flatMap(({ contactId, value, atMs }) => {
    const at = writes.get(contactId)?.find((write) => write.value >= value)?.atMs;
    return at === undefined ? [] : [Math.max(0, at - atMs)];
  });
  return { lags: lags.toSorted((a, b) => a - b), missing: sent.length - lags.length };
}

const share = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;

async function measure(remote: ChildProcess, url: string, names: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-neighbours-'));
  const file = join(folder, 'sync.db');
  await prepare(file, url, names);
  const main = existsSync(join(projectRoot, 'dist/src/main.js')) ? 'dist/src/main.js' : 'src/main.ts';
  const flags = ['--max-semi-space-size=16', '--max-old-space-size=512', '--no-warnings'];
  const service = spawn(process.execPath, [...flags, main], {
    cwd: projectRoot,
    env: { ...process.env, ...environment(file) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let told = '';
    for await (const chunk of service.stdout) {
      told += String(chunk);
      if (/listens at \S+/.test(told)) break;
    }
    const address = /listens at (\S+)/.exec(told)?.[1];
    if (address === undefined) throw new Error(`the service did not start: ${told}`);
    // Every location is read once before it counts.
    await new Promise((resolve) => setTimeout(resolve, RUN_EVERY_S * 2000));
    remote.send('seen');
    await said(remote);
    const sent = await deliver(address, names);
    const seen: Seen[] = [];
    const calls: Record<string, number> = {};
    let { lags, missing } = lagsOf(sent, seen);
    for (let waitedS = 0; missing > 0 && waitedS < PATIENCE_S; waitedS++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const reply = said(remote);
      remote.send('seen');
      const news = (await reply) as { seen: Seen[]; calls: Record<string, number> };
      seen.push(...news.seen);
      for (const [kind, count] of Object.entries(news.calls)) calls[kind] = (calls[kind] ?? 0) + count;
      ({ lags, missing } = lagsOf(sent, seen));
    }
    const p95 = share(lags, 0.95);
    console.log(
      `${names.length} connections: ${sent.length} deliveries of healthy ones, lag p50 ${share(lags, 0.5)} ms, p95 ${p95} ms, p99 ${share(lags, 0.99)} ms; calls ${JSON.stringify(calls)}`,
    );
    if (missing > 0) throw new Error(`${missing} of ${sent.length} changes did not arrive within a minute`);
    return p95;
  } finally {
    const ended = once(service, 'exit');
    service.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

const remote = fork(fileURLToPath(new URL('./neighbourGhl.ts', import.meta.url)));
const { port } = (await said(remote)) as { port: number };
const url = `http://127.0.0.1:${port}`;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
try {
  const alone: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await measure(remote, url, healthy));
    together.push(await measure(remote, url, [...healthy, ...BAD]));
  }
  const ratio = median(together) / median(alone);
  console.log(
    `p95 with four bad neighbours (${PENDING} waiting) / without: ${ratio.toFixed(2)}   contract ≤ ${RATIO_MAX}   ${ratio <= RATIO_MAX ? 'kept' : 'MISSED'}`,
  );
  process.exitCode = ratio <= RATIO_MAX ? 0 : 1;
} finally {
  remote.disconnect();
}
