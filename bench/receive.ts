// How fast deliveries are taken, every one on disk before its answer, against a bare Express handler and a bare node:http
// handler that only check the signature (docs: SPEC §7). One run, each server in its own process. The three take turns of
// a second within every round: what else the machine does then weighs on all of them alike.
//   npm run bench:receive [-- rounds [seconds]]
import { type ChildProcess, fork } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// It has no types of its own.
// @ts-expect-error TS7016
import untypedAutocannon from 'autocannon';
import { PATH, type Reply, type Rows, SECRET } from './receiveServers.ts';

interface LoadRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}
interface LoadResult {
  '2xx': number;
  non2xx: number;
  errors: number;
  timeouts: number;
  latency: { p99: number };
}
const autocannon = untypedAutocannon as (options: {
  url: string;
  connections: number;
  amount: number;
  sampleInt: number;
  requests: (LoadRequest & { setupRequest: (request: LoadRequest) => LoadRequest })[];
}) => Promise<LoadResult>;

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = Number(process.argv[3] ?? 4);
const TURN_S = 1;
const CONNECTIONS = 64;
const KINDS = ['express', 'http', 'ours'] as const;
type Kind = (typeof KINDS)[number];

const TYPES = ['CardBalanceUpdatedEvent', 'CardScannedEvent', 'CardInstalledEvent', 'CustomerSegmentLinkedEvent'];

const STARTED_MS = Date.now();
/** Events happen about as fast as they are sent. */
const EVENTS_PER_MS = 10;

/** A flat event as Sticky Cards sends it, about 350 bytes; none is like another. */
function signedEvent(n: number): { headers: Record<string, string>; body: string } {
  const card = `${100_000 + (n % 900_000)}-${n % 997}-${n % 89}`;
  const body = JSON.stringify({
    event_type: TYPES[n % TYPES.length],
    timestamp: new Date(STARTED_MS + n / EVENTS_PER_MS).toISOString(),
    customer_id: randomUUID(),
    card_id: card,
    email: `person.${n}@example.com`,
    phone_number: `+1555${String(n % 10_000_000).padStart(7, '0')}`,
    first_name: 'Alexandra',
    last_name: `Example-${n}`,
    card: { id: card, status: 'installed', balance: n % 500, template_id: 1001 },
    balance: n % 500,
    segments: ['Regulars'],
    referral_count: n % 7,
  });
  const signature = createHmac('sha256', SECRET).update(body).digest('hex');
  return { headers: { 'content-type': 'application/json', 'x-sticky-signature': signature }, body };
}

interface Turn {
  tookS: number;
  p99Ms: number;
  accepted: number;
  refused: number;
  cpuUs: number;
}
/** The turns of one server in one round. */
interface Round {
  rate: number;
  p99Ms: number;
  refused: number;
  cpuUsPerRequest: number;
}

/** Signing costs the load generator as much as verifying costs the server: it is done before the clock starts. */
const makeEvents = (from: number, count: number) => Array.from({ length: count }, (_, i) => signedEvent(from + i));

let sent = 0;
/** A number of requests, not a time: every one is answered before it ends, so that answers can be compared with rows. */
async function load(port: number, seconds: number, rateExpected: number): Promise<Omit<Turn, 'cpuUs'>> {
  const amount = Math.ceil((rateExpected * seconds) / CONNECTIONS) * CONNECTIONS;
  const events = makeEvents(sent, amount);
  sent += amount;
  let next = 0;
  const startedMs = performance.now();
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: CONNECTIONS,
    amount,
    // It looks whether it is done at every sample.
    sampleInt: 50,
    requests: [
      {
        method: 'POST',
        path: PATH,
        setupRequest: (request) => Object.assign({}, request, events[next++] ?? signedEvent(sent++)),
      },
    ],
  });
  return {
    tookS: (performance.now() - startedMs) / 1000,
    p99Ms: result.latency.p99,
    accepted: result['2xx'],
    refused: result.non2xx + result.errors + result.timeouts,
  };
}

interface Child {
  process: ChildProcess;
  port: number;
  accepted: number;
  rate: number;
  /** Stored and not yet folded when each turn ended. */
  lags: number[];
}

const reply = (child: ChildProcess) => new Promise<Reply>((resolve) => child.once('message', resolve as () => void));

async function ask(child: ChildProcess, question: 'usage' | 'rows'): Promise<Reply> {
  const answer = reply(child);
  child.send(question);
  return answer;
}

async function start(kind: Kind, folder: string): Promise<Child> {
  const child = fork(fileURLToPath(new URL('./receiveServers.ts', import.meta.url)), [kind, folder]);
  const first = (await reply(child)) as { port: number };
  return { process: child, port: first.port, accepted: 0, rate: 12_000, lags: [] };
}

const cpuUs = async (child: ChildProcess) => {
  const { usage } = (await ask(child, 'usage')) as { usage: NodeJS.CpuUsage };
  return usage.user + usage.system;
};

async function measure(child: Child, seconds: number): Promise<Turn> {
  const before = await cpuUs(child.process);
  const turn = await load(child.port, seconds, child.rate);
  const used = (await cpuUs(child.process)) - before;
  child.accepted += turn.accepted;
  child.rate = Math.max(4000, turn.accepted / turn.tookS);
  return { ...turn, cpuUs: used };
}

function roundOf(turns: Turn[]): Round {
  const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  const accepted = sum((t) => t.accepted);
  return {
    rate: accepted / sum((t) => t.tookS),
    p99Ms: median(turns.map((t) => t.p99Ms)),
    refused: sum((t) => t.refused),
    cpuUsPerRequest: sum((t) => t.cpuUs) / Math.max(1, accepted),
  };
}

const rowsOf = async (child: Child) => ((await ask(child.process, 'rows')) as { rows: Rows }).rows;

/** What one turn left to be folded must not run into the next server's turn. */
async function settle(child: Child): Promise<void> {
  child.lags.push((await rowsOf(child)).unfolded);
  while ((await rowsOf(child)).unfolded > 0) await new Promise((resolve) => setTimeout(resolve, 100));
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const pad = (value: string | number, width: number) => String(value).padStart(width);

async function main(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-receive-'));
  const children = {} as Record<Kind, Child>;
  const rounds: Record<Kind, Round[]> = { express: [], http: [], ours: [] };
  try {
    for (const kind of KINDS) children[kind] = await start(kind, folder);
    for (const kind of KINDS) await measure(children[kind], 1.5);
    await settle(children.ours);
    console.log(
      `${CONNECTIONS} connections, closed loop, ${ROUNDS} rounds of ${SECONDS} s; requests per second (p99 ms, cpu µs each)\n`,
    );
    console.log(`round ${KINDS.map((kind) => pad(kind, 26)).join('')}   ours/express ours/http`);
    for (let i = 0; i < ROUNDS; i += 1) {
      const turns: Record<Kind, Turn[]> = { express: [], http: [], ours: [] };
      for (let j = 0; j < SECONDS / TURN_S; j += 1) {
        // The order changes, so that none always runs after the same one.
        for (let k = 0; k < KINDS.length; k += 1) {
          const kind = KINDS[(i + j + k) % KINDS.length] as Kind;
          turns[kind].push(await measure(children[kind], TURN_S));
          if (kind === 'ours') await settle(children.ours);
        }
      }
      for (const kind of KINDS) rounds[kind].push(roundOf(turns[kind]));
      const now = (kind: Kind) => rounds[kind][i] as Round;
      const cells = KINDS.map((kind) => {
        const { rate, p99Ms, cpuUsPerRequest } = now(kind);
        return pad(`${Math.round(rate)} (${p99Ms}, ${Math.round(cpuUsPerRequest)})`, 26);
      });
      const ratios = [now('ours').rate / now('express').rate, now('ours').rate / now('http').rate];
      console.log(`${pad(i + 1, 5)} ${cells.join('')}   ${ratios.map((ratio) => pad(ratio.toFixed(2), 10)).join('')}`);
    }
    return await report(rounds, children.ours);
  } finally {
    for (const child of Object.values(children)) child.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function report(rounds: Record<Kind, Round[]>, ours: Child): Promise<boolean> {
  const ratio = (other: Kind) => median(rounds.ours.map((r, i) => r.rate / (rounds[other][i] as Round).rate));
  const p99 = (kind: Kind) => median(rounds[kind].map((r) => r.p99Ms));
  // Of each pair, as the rates are: what else the machine does in a round weighs on both of it.
  const p99Ratio = median(rounds.ours.map((r, i) => r.p99Ms / (rounds.express[i] as Round).p99Ms));
  const line = (what: string, value: string, contract: string, kept: boolean) =>
    console.log(
      `${what.padEnd(36)} ${value.padStart(14)}   contract ${contract.padEnd(10)} ${kept ? 'kept' : 'MISSED'}`,
    );
  console.log('');
  line('rate, ours / bare Express (median)', ratio('express').toFixed(2), '≥ 1.00', ratio('express') >= 1);
  line('rate, ours / bare node:http (median)', ratio('http').toFixed(2), '≥ 0.85', ratio('http') >= 0.85);
  line('p99, ours / bare Express (median)', p99Ratio.toFixed(2), '≤ 1.00', p99Ratio <= 1);
  console.log(`  (medians of all rounds: ours ${p99('ours')} ms, bare Express ${p99('express')} ms)`);
  const rows = await rowsOf(ours);
  const refused = rounds.ours.reduce((sum, r) => sum + r.refused, 0);
  const equal = rows.stored === ours.accepted && refused === 0;
  line('rows stored / acknowledgements', `${rows.stored} / ${ours.accepted}`, 'equal', equal);
  console.log(
    `folding was behind by ${median(ours.lags)} events (at most ${Math.max(...ours.lags)}) when a turn ended; all are folded now`,
  );
  return equal;
}

process.exitCode = (await main()) ? 0 : 1;
