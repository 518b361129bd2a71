// How much of what GHL allows is used while there is work (docs: SPEC §7): linked people with one changed field each
// against the simulator with GHL's real limit (100 calls per sliding 10 s) in real time, in a process of its own.
//   npm run bench:pace [-- people | full]     700 people take about 70 s, full (2000) about 200 s
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCore } from '../src/core.ts';
import { loadConfig } from '../src/config.ts';
import { silentLogger } from '../src/log.ts';
import { createGhlSimulator } from '../src/simulators/ghl/index.ts';
import { loadMaps } from '../src/maps.ts';
import { projectRoot } from '../src/paths.ts';
import { CONNECTION, scanEverybody, seedOf, writeLinkedPeople } from './linkedPeople.ts';

const PEOPLE = process.argv[2] === 'full' ? 2000 : Number(process.argv[2] ?? 700);
const LIMIT = { max: 100, intervalMs: 10_000, daily: 200_000 };
const CONTRACT = 0.97;
const TOKEN = 'pit-bench';
const LOCATION = 'LOC1';

interface Seen {
  /** When each call was counted, in ms. */
  arrivedMs: number[];
  refused: number;
}

/** The remote side: answers where it is, then, asked, what it saw. */
async function remote(people: number): Promise<void> {
  const ghl = createGhlSimulator({
    rateLimit: LIMIT,
    journal: true,
    locations: [{ id: LOCATION, timezone: 'UTC', country: 'US', tokens: [TOKEN] }],
  });
  await ghl.start();
  for (const row of loadMaps(join(projectRoot, 'config')).rows)
    if (row.ghl === 'custom') ghl.ui.addCustomField(LOCATION, { name: row.label as string, dataType: row.type });
  ghl.seedContacts(
    LOCATION,
    Array.from({ length: people }, (_, n) => seedOf(n)),
  );
  process.on('message', () => {
    const seen: Seen = {
      arrivedMs: ghl.journal.map((exchange) => exchange.atMs),
      refused: ghl.callCount({ status: 429 }),
    };
    process.send?.(seen);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(ghl.url);
}

const message = <T>(child: ChildProcess) => new Promise<T>((resolve) => child.once('message', resolve as () => void));

/** Of what the limit lets through in all whole intervals since the first call; in the last one the work ran out. */
function shareUsed(arrivedMs: number[]): { share: number; seconds: number; emptiest: number } {
  const firstMs = arrivedMs[0] ?? 0;
  const lastMs = arrivedMs.at(-1) ?? firstMs;
  const intervals = Math.floor((lastMs - firstMs) / LIMIT.intervalMs);
  const used = Array.from({ length: intervals }, () => 0);
  for (const at of arrivedMs) {
    const interval = Math.floor((at - firstMs) / LIMIT.intervalMs);
    if (interval < intervals) used[interval] = (used[interval] ?? 0) + 1;
  }
  const total = used.reduce((sum, count) => sum + count, 0);
  return {
    share: total / (intervals * LIMIT.max),
    seconds: (lastMs - firstMs) / 1000,
    emptiest: Math.min(...used),
  };
}

async function main(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-pace-'));
  const child = fork(fileURLToPath(import.meta.url), ['remote', String(PEOPLE)]);
  const url = await message<string>(child);
  const config = loadConfig(
    {
      DATABASE_URL: `file:${join(folder, 'sync.db')}`,
      START_MODE: 'live',
      SYNC_PAUSED: 'on',
      GHL_API_BASE_URL: url,
      GHL_LOCATION_ID: LOCATION,
      GHL_ACCESS_TOKEN: TOKEN,
      STICKY_CARDS_WEBHOOK_SECRET: 'bench-3f9a1c77d2',
    },
    folder,
  );
  const core = await createCore(config, { log: silentLogger });
  await core.begin();
  for (let from = 0; from < PEOPLE; from += 1000)
    await writeLinkedPeople(core.store, from, Math.min(1000, PEOPLE - from));
  await scanEverybody(core.store, 1);
  console.log(`${PEOPLE} people to write, ${LIMIT.max} calls per ${LIMIT.intervalMs / 1000} s allowed`);
  const run = await core.schedule.run({ connectionId: CONNECTION, direction: 'both', trigger: 'manual' });
  const seen = message<Seen>(child);
  child.send('what did you see?');
  const { arrivedMs, refused } = await seen;
  await core.close();
  child.disconnect();
  rmSync(folder, { recursive: true, force: true });
  if (run?.updatedCount !== PEOPLE) throw new Error(`the run did not write everybody: ${JSON.stringify(run)}`);
  const { share, seconds, emptiest } = shareUsed(arrivedMs.toSorted((a, b) => a - b));
  console.log(`${arrivedMs.length} calls in ${seconds.toFixed(1)} s, the emptiest interval had ${emptiest}`);
  console.log(`share of the allowed rate  ${(share * 100).toFixed(1)} %   contract ≥ ${CONTRACT * 100} %`);
  console.log(`answers with 429           ${refused}        contract 0`);
  return share >= CONTRACT && refused === 0;
}

if (process.argv[2] === 'remote') await remote(Number(process.argv[3]));
else process.exitCode = (await main()) ? 0 : 1;
