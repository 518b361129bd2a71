// What a run costs beside its calls (docs: SPEC §7): linked people with one changed field each, one PUT each through the
// real service on a real SQLite file, against a plain loop (axios and p-queue) that makes the same PUTs with as many at
// once at every point. The remote side answers after 20 ms, in a process of its own; its headers allow so much that the pace never
// holds. Rounds of one run take turns.
//   npm run bench:run [-- people [rounds]]
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import PQueue from 'p-queue';
import { type Core, createCore } from '../src/core.ts';
import { loadConfig } from '../src/config.ts';
import { silentLogger } from '../src/log.ts';
import type { Counts, Reply } from './answeringGhl.ts';
import { CONNECTION, contactIdOf, dayOf, fieldIdOf, scanEverybody, writeLinkedPeople } from './linkedPeople.ts';

const PEOPLE = Number(process.argv[2] ?? 2000);
const ROUNDS = Number(process.argv[3] ?? 3);
const DELAY_MS = 20;
const CONTRACT = 0.8;
const TOKEN = 'pit-bench';

const reply = (child: ChildProcess) => new Promise<Reply>((resolve) => child.once('message', resolve as () => void));

async function countsOf(remote: ChildProcess): Promise<Counts> {
  const answer = reply(remote);
  remote.send('counts');
  return ((await answer) as { counts: Counts }).counts;
}

/** People per second; every one of them has cost exactly one PUT of that one field. */
async function ours(core: Core, remote: ChildProcess, day: number): Promise<{ rate: number; climbs: number[] }> {
  await scanEverybody(core.store, day);
  await countsOf(remote);
  const startedMs = performance.now();
  const run = await core.schedule.run({ connectionId: CONNECTION, direction: 'both', trigger: 'manual' });
  const seconds = (performance.now() - startedMs) / 1000;
  const counts = await countsOf(remote);
  const asWanted =
    run?.status === 'completed' &&
    run.updatedCount === PEOPLE &&
    counts.puts === PEOPLE &&
    counts.fieldIds.join() === fieldIdOf('last_activity');
  if (!asWanted)
    throw new Error(`the run did something else than one PUT per person: ${JSON.stringify({ run, counts })}`);
  return { rate: PEOPLE / seconds, climbs: counts.climbs };
}

/** Calls per second; as many at once as the run had by the same call, so that it climbs where the run climbed. */
async function plain(url: string, day: number, climbs: number[]): Promise<number> {
  const http = axios.create({ baseURL: url, httpAgent: new Agent({ keepAlive: true }), adapter: 'http' });
  const headers = { authorization: `Bearer ${TOKEN}`, version: '2021-07-28' };
  const body = { customFields: [{ id: fieldIdOf('last_activity'), field_value: dayOf(day) }] };
  const allowedAt = (call: number) => Math.max(1, climbs.filter((from) => from <= call).length);
  const queue = new PQueue({ concurrency: allowedAt(0) });
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: PEOPLE }, (_, n) =>
      queue.add(() => {
        queue.concurrency = allowedAt(n + 1);
        return http.put(`/contacts/${contactIdOf(n)}`, body, { headers });
      }),
    ),
  );
  return PEOPLE / ((performance.now() - startedMs) / 1000);
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const folder = mkdtempSync(join(tmpdir(), 'bench-run-'));
const remote = fork(fileURLToPath(new URL('./answeringGhl.ts', import.meta.url)), [String(DELAY_MS)]);
const { port } = (await reply(remote)) as { port: number };
const url = `http://127.0.0.1:${port}`;
const config = loadConfig(
  {
    DATABASE_URL: `file:${join(folder, 'sync.db')}`,
    START_MODE: 'live',
    SYNC_PAUSED: 'on',
    GHL_API_BASE_URL: url,
    GHL_LOCATION_ID: 'LOC1',
    GHL_ACCESS_TOKEN: TOKEN,
    STICKY_CARDS_WEBHOOK_SECRET: 'bench-3f9a1c77d2',
  },
  folder,
);
const core = await createCore(config, { log: silentLogger });
await core.begin();
for (let from = 0; from < PEOPLE; from += 1000)
  await writeLinkedPeople(core.store, from, Math.min(1000, PEOPLE - from));

// The first one reads the location and its fields and warms everything up.
await plain(url, 1, (await ours(core, remote, 1)).climbs);
console.log(`${PEOPLE} linked people, one changed field each, answers after ${DELAY_MS} ms; calls per second`);
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const run = await ours(core, remote, 2 + round);
  const loop = await plain(url, 2 + round, run.climbs);
  ratios.push(run.rate / loop);
  console.log(
    `round ${round + 1}: run ${run.rate.toFixed(0)}, plain loop ${loop.toFixed(0)}, up to ${run.climbs.length} at once, ratio ${(run.rate / loop).toFixed(2)}`,
  );
}
await core.close();
remote.disconnect();
rmSync(folder, { recursive: true, force: true });
const ratio = median(ratios);
console.log(`ratio (median)  ${ratio.toFixed(2)}   contract ≥ ${CONTRACT}   ${ratio >= CONTRACT ? 'kept' : 'MISSED'}`);
process.exitCode = ratio >= CONTRACT ? 0 : 1;
