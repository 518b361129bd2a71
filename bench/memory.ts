// What many waiting records cost (docs: SPEC §7): the service in a process of its own, as `npm start` runs it, on a real
// SQLite file with 100,000 people who each wait for one PUT, against a remote side that answers at once. Its memory must
// stay under 250 MB and a record must not take longer than among 1,000. Only the first 20,000 are waited for.
//   npm run bench:memory [-- people [measured]]
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCore } from '../src/core.ts';
import { loadConfig } from '../src/config.ts';
import { silentLogger } from '../src/log.ts';
import { projectRoot } from '../src/paths.ts';
import { type Counts, MARK_EVERY, type Reply } from './answeringGhl.ts';
import { scanEverybody, writeLinkedPeople } from './linkedPeople.ts';

const MANY = Number(process.argv[2] ?? 100_000);
const MEASURED = Math.min(MANY, Number(process.argv[3] ?? 20_000));
const FEW = 1000;
const FEW_RUNS = 5;
const RSS_MAX_MB = 250;
/** A ratio of two medians on a machine that others use too. */
const RATIO_MAX = 1.25;
const MINUTES_MAX = 8;
const TOKEN = 'admin-7f3b9d2e5c';

const reply = (child: ChildProcess) => new Promise<Reply>((resolve) => child.once('message', resolve as () => void));

async function ask(remote: ChildProcess, question: 'counts' | 'progress'): Promise<Counts> {
  const answer = reply(remote);
  remote.send(question);
  return ((await answer) as { counts: Counts }).counts;
}

const environment = (file: string, url: string): Record<string, string> => ({
  DATABASE_URL: `file:${file}`,
  HOST: '127.0.0.1',
  PORT: '0',
  LOG_LEVEL: 'error',
  START_MODE: 'live',
  SYNC_PAUSED: 'on',
  ADMIN_TOKEN: TOKEN,
  ADMIN_PASSWORD: 'pw-7f3b9d2e5c',
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  GHL_API_BASE_URL: url,
  GHL_LOCATION_ID: 'LOC1',
  GHL_ACCESS_TOKEN: 'pit-bench',
  STICKY_CARDS_WEBHOOK_SECRET: 'bench-3f9a1c77d2',
});

/** Writes the people and lets all of them wait for `day`. */
async function prepare(file: string, url: string, people: number, day: number): Promise<void> {
  const core = await createCore(loadConfig(environment(file, url), projectRoot), { log: silentLogger });
  const { store } = core;
  const [known] = await store.db.select().from(store.s.stickyCardsCustomers).limit(1);
  for (let from = 0; !known && from < people; from += 1000)
    await writeLinkedPeople(store, from, Math.min(1000, people - from));
  await scanEverybody(store, day);
  await core.close();
}

const kilobytes = (pid: number, what: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

/** What `npm start` gives to node; straight from the sources where nothing was built. */
function startArguments(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const [, ...given] = scripts.start.split(' ');
  const built = existsSync(join(projectRoot, 'dist/src/main.js'));
  return built ? given : given.map((one) => (one === 'dist/src/main.js' ? 'src/main.ts' : one));
}

interface Measured {
  msPerRecord: number[];
  idleMb: number;
  mostMb: number;
}

/** A start, a run until `puts` of its people are written, a stop. */
async function measure(file: string, url: string, remote: ChildProcess, puts: number): Promise<Measured> {
  await ask(remote, 'counts');
  const service = spawn(process.execPath, ['--no-warnings', ...startArguments()], {
    cwd: projectRoot,
    env: { ...process.env, ...environment(file, url) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = service.pid as number;
  try {
    let said = '';
    for await (const chunk of service.stdout) {
      said += String(chunk);
      if (/listens at \S+/.test(said)) break;
    }
    const address = /listens at (\S+)/.exec(said)?.[1];
    if (address === undefined) throw new Error(`the service did not start: ${said}`);
    const idleMb = kilobytes(pid, 'VmRSS') / 1024;
    const asked = await fetch(`${address}/api/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: '{}',
    });
    if (asked.status !== 202) throw new Error(`POST /api/runs: ${asked.status} ${await asked.text()}`);
    for (let counts = await ask(remote, 'progress'); counts.puts < puts; counts = await ask(remote, 'progress'))
      await new Promise((resolve) => setTimeout(resolve, 100));
    const mostMb = kilobytes(pid, 'VmHWM') / 1024;
    const { marksMs } = await ask(remote, 'progress');
    // From the first mark on: before it the run reads the location and has few calls at once.
    const msPerRecord = marksMs.slice(1).map((at, i) => (at - (marksMs[i] as number)) / MARK_EVERY);
    return { msPerRecord, idleMb, mostMb };
  } finally {
    const ended = once(service, 'exit');
    service.kill('SIGTERM');
    await ended;
  }
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'));
const remote = fork(fileURLToPath(new URL('./answeringGhl.ts', import.meta.url)), ['0']);
const tooLong = setTimeout(() => {
  console.log(`not done after ${MINUTES_MAX} minutes`);
  process.exit(1);
}, MINUTES_MAX * 60_000);
const { port } = (await reply(remote)) as { port: number };
const url = `http://127.0.0.1:${port}`;
try {
  const few: Measured[] = [];
  for (let day = 1; day <= FEW_RUNS; day++) {
    await prepare(join(folder, 'few.db'), url, FEW, day);
    few.push(await measure(join(folder, 'few.db'), url, remote, FEW));
  }
  const fewMs = median(few.flatMap((one) => one.msPerRecord));
  const fewMb = Math.max(...few.map((one) => one.mostMb));
  console.log(`${FEW} waiting: ${fewMs.toFixed(2)} ms per record (${FEW_RUNS} runs), at most ${fewMb.toFixed(0)} MB`);
  await prepare(join(folder, 'many.db'), url, MANY, 1);
  const many = await measure(join(folder, 'many.db'), url, remote, MEASURED);
  const manyMs = median(many.msPerRecord);
  const ends = [many.msPerRecord.slice(0, 5), many.msPerRecord.slice(-5)].map((part) => median(part).toFixed(2));
  console.log(
    `${MANY} waiting: ${manyMs.toFixed(2)} ms per record (the first ${MEASURED} of them; at first ${ends[0]}, at last ${ends[1]})`,
  );
  const ratio = manyMs / fewMs;
  const slower = ratio > RATIO_MAX;
  const larger = many.mostMb >= RSS_MAX_MB;
  console.log(`ratio            ${ratio.toFixed(2)}     wanted ≤ ${RATIO_MAX}     ${slower ? 'MISSED' : 'kept'}`);
  console.log(
    `memory at most   ${many.mostMb.toFixed(0)} MB   contract < ${RSS_MAX_MB} MB   ${larger ? 'MISSED' : 'kept'}   (after the start ${many.idleMb.toFixed(0)} MB)`,
  );
  process.exitCode = slower || larger ? 1 : 0;
} finally {
  clearTimeout(tooLong);
  remote.disconnect();
  rmSync(folder, { recursive: true, force: true });
}
