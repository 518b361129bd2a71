// Every query behind a list or a page, as both databases would run it over large tables: none walks through a whole one.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { drizzle as sqliteDrizzle } from 'drizzle-orm/better-sqlite3';
import { drizzle as postgresDrizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { connectionId, customerId, fillMany } from '../../bench/manyRows.ts';
import { systemClock } from '../../src/clock.ts';
import { findEvents, findLogs, findRuns } from '../../src/store/activityQueries.ts';
import { keptOfDay } from '../../src/store/callBudget.ts';
import { findCommands } from '../../src/store/commandActions.ts';
import { countCustomers, customersById, listCustomers, withCardsAndLinks } from '../../src/store/customerQueries.ts';
import { commandsForPeople, linkAndContact, listAudits, openProblems } from '../../src/store/dashboardQueries.ts';
import type { Db } from '../../src/store/db.ts';
import { cardlessPayments, waitingEvents } from '../../src/store/foldQueue.ts';
import { WINDOW_ROWS } from '../../src/store/listWindow.ts';
import { readFigures } from '../../src/store/metricsQueries.ts';
import {
  lastRun,
  lastRuns,
  oldestPending,
  oldestPendings,
  oldestUnfolded,
  statusCounts,
} from '../../src/store/overviewQueries.ts';
import { holdersOfClues, opportunitiesAmong } from '../../src/store/nameless.ts';
import { listProblems } from '../../src/store/problems.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { customerTimeline } from '../../src/store/timelineQueries.ts';
import { untoldProblems } from '../../src/store/toldProblems.ts';
import { databases } from '../helpers/databases.ts';

// Two of each rare kind; and many connections, or reading all of them in the order of their ids would really be the quickest.
const SIZE = { connections: 40, events: 31_000, customers: 3_000, logs: 12_000, commands: 31_000 };
const BIG = ['webhook_events', 'sync_logs', 'sticky_cards_customers', 'sticky_cards_cards', 'ghl_contacts', 'commands'];

interface Asked {
  text: string;
  params: unknown[];
}

/** The same store, its reads written down. */
interface Watched {
  store: Store;
  asked: Asked[];
  /** What of the plan of a query walks through a big table; empty = nothing. */
  walks(query: Asked): Promise<string[]>;
  close(): Promise<void>;
}

/** Holds the backlog of the fold and nothing else: to walk through it is to look at the backlog. */
const BACKLOG = 'webhook_events_unfolded';

/** What may be read from its first row on: a page in the order of an index, that no condition holds up. */
const isPlainPage = (text: string) => !/\bwhere\b/i.test(text) && /\blimit\b/i.test(text);

function watchedSqlite(store: Store): Watched {
  const raw = new Database(store.file as string, { readonly: true });
  const asked: Asked[] = [];
  const logger = { logQuery: (text: string, params: unknown[]) => void asked.push({ text, params }) };
  const db = sqliteDrizzle(raw, { casing: 'snake_case', logger }) as unknown as Db;
  return {
    store: { ...store, db },
    asked,
    walks: ({ text, params }) => {
      const plan = raw.prepare(`explain query plan ${text}`).all(...(params as never[])) as { detail: string }[];
      const scans = plan
        .map(({ detail }) => detail)
        .filter((detail) => !detail.endsWith(` ${BACKLOG}`))
        .filter((detail) => BIG.some((table) => new RegExp(`^SCAN ${table}\\b`).test(detail)));
      const ordered = scans.every((detail) => /USING (COVERING )?INDEX/.test(detail));
      return Promise.resolve(ordered && isPlainPage(text) ? [] : scans);
    },
    close: () => Promise.resolve(void raw.close()),
  };
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Filter?: string;
  Plans?: PlanNode[];
}

async function watchedPostgres(store: Store, url: string): Promise<Watched> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  await pool.query('vacuum analyze');
  // Tables of this size may be cheaper to read than to look up in: what is asked here is whether an index serves.
  await pool.query('set enable_seqscan = off');
  const asked: Asked[] = [];
  const logger = { logQuery: (text: string, params: unknown[]) => void asked.push({ text, params }) };
  const db = postgresDrizzle(pool, { casing: 'snake_case', logger }) as unknown as Db;
  const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
  return {
    store: { ...store, db },
    asked,
    walks: async ({ text, params }) => {
      const { rows } = await pool.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
        `explain (format json) ${text}`,
        params,
      );
      const [row] = rows as [{ 'QUERY PLAN': [{ Plan: PlanNode }] }];
      const nodes = nodesOf(row['QUERY PLAN'][0].Plan);
      return nodes
        .filter((node) => BIG.includes(node['Relation Name'] ?? ''))
        .filter((node) => {
          if (node['Node Type'] === 'Seq Scan') return true;
          const isIndex =
            ['Index Scan', 'Index Only Scan'].includes(node['Node Type']) && node['Index Name'] !== BACKLOG;
          return isIndex && node['Index Cond'] === undefined && !isPlainPage(text);
        })
        .map((node) => `${node['Node Type']} ${node['Relation Name'] ?? ''} ${node.Filter ?? ''}`);
    },
    close: () => pool.end(),
  };
}

const C = connectionId(1);
const P = customerId(1);
const BEFORE = 'zzz';

/** What lists and pages ask, by name. */
const QUERIES: Record<string, (store: Store) => Promise<unknown>> = {
  events: (s) => findEvents(s, {}, 51),
  'events, next page': (s) => findEvents(s, {}, 51, `evt_${BEFORE}`),
  'events of a connection': (s) => findEvents(s, { connection: C }, 51),
  'events of a type': (s) => findEvents(s, { type: 'RareEvent' }, 51),
  'events of a type and connection': (s) => findEvents(s, { type: 'RareEvent', connection: C }, 51),
  'events of a source': (s) => findEvents(s, { source: 'sticker' }, 51),
  'events of a source and connection': (s) => findEvents(s, { source: 'sticker', connection: C }, 51),
  'events by status': (s) => findEvents(s, { status: 'rejected' }, 51),
  'events waiting, of a connection': (s) => findEvents(s, { status: 'waiting', connection: C }, 51),
  'events skipped, of a type': (s) => findEvents(s, { status: 'skipped', type: 'RareEvent' }, 51),
  'events received': (s) => findEvents(s, { status: 'received' }, 51),
  'events folded, of a connection': (s) => findEvents(s, { status: 'folded', connection: C }, 51),
  'events that wait for a card or a clue': (s) =>
    waitingEvents(s, s.db, C, { cardIds: ['card_1'], clues: ['email:a@example.com'] }),
  'payments that were left out': (s) => cardlessPayments(s, s.db, C, { cardIds: ['card_1'], holderIds: [P] }),
  'whom a delivery without a customer can mean': (s) =>
    holdersOfClues(s, s.db, C, ['phone:+12125550142', 'email:a@example.com', 'payment:pay_1']),
  'refunds of opportunities': (s) => opportunitiesAmong(s, s.db, C, ['pay_1']),
  'events of a customer': (s) => findEvents(s, { customerId: P }, 51),
  'events of a customer and type': (s) => findEvents(s, { customerId: P, type: 'RareEvent', connection: C }, 51),
  logs: (s) => findLogs(s, {}, 51),
  'logs of a connection': (s) => findLogs(s, { connection: C }, 51),
  'logs of a connection, next page': (s) => findLogs(s, { connection: C }, 51, `log_${BEFORE}`),
  'logs that failed': (s) => findLogs(s, { status: 'failed' }, 51),
  'logs of a customer': (s) => findLogs(s, { customerId: P }, 51),
  'logs of a customer that failed': (s) => findLogs(s, { customerId: P, status: 'failed', connection: C }, 51),
  'logs of a run': (s) => findLogs(s, { runId: 'run_1' }, 51),
  'logs of a run that failed': (s) => findLogs(s, { runId: 'run_1', status: 'failed' }, 51),
  runs: (s) => findRuns(s, {}, 51),
  'runs of a connection by trigger': (s) => findRuns(s, { connection: C, trigger: 'manual' }, 51),
  'runs by status': (s) => findRuns(s, { status: 'partial' }, 51),
  customers: (s) => listCustomers(s, {}, 50),
  'customers failing': (s) => listCustomers(s, { syncStatus: 'FAILED' }, 50),
  'customers by reason': (s) => listCustomers(s, { syncStatus: 'FAILED', code: 'rare' }, 50),
  'customers by name': (s) => listCustomers(s, { q: 'zzz' }, 50),
  'customers by a name that is not ASCII': (s) => listCustomers(s, { q: 'ünal' }, 50),
  'customers by phone': (s) => listCustomers(s, { q: '+12122000001' }, 50),
  'customers by e-mail': (s) => listCustomers(s, { q: 'ana1@example.com' }, 50),
  'customers by e-mail and status, next page': (s) =>
    listCustomers(s, { q: 'ana1@example.com', syncStatus: 'FAILED', code: 'rare' }, 50, {
      connectionId: C,
      customerId: P,
      exact: true,
    }),
  'customers, next page': (s) => listCustomers(s, {}, 50, { connectionId: C, customerId: P }),
  'customers counted': (s) => countCustomers(s, { syncStatus: 'FAILED' }),
  'customers counted by reason': (s) => countCustomers(s, { syncStatus: 'FAILED', code: 'rare', connection: C }),
  'one customer': (s) => customersById(s, P).then((rows) => withCardsAndLinks(s, rows)),
  'the story of a customer': (s) => customerTimeline(s, { connectionId: C, customerId: P }, 51),
  'the story of a customer, next page': (s) =>
    customerTimeline(s, { connectionId: C, customerId: P }, 51, '01ARZ3NDEKTSV4RRFFQ69G5FAV'),
  'the contact of a customer': (s) => linkAndContact(s, { connectionId: C, customerId: P }),
  commands: (s) => findCommands(s, {}, 51),
  'commands of a connection': (s) => findCommands(s, { connection: C }, 51),
  'commands by state': (s) => findCommands(s, { state: 'unknown' }, 51),
  'commands by kind': (s) => findCommands(s, { kind: 'push' }, 51),
  'commands by state and kind': (s) => findCommands(s, { state: 'applied', kind: 'push', connection: C }, 51),
  'commands for people': (s) => commandsForPeople(s, [connectionId(0), C]),
  problems: (s) => listProblems(s, { state: 'open' }, 51),
  'problems counted': (s) => openProblems(s),
  'problems to tell': (s) => untoldProblems(s, [connectionId(0), C], 20),
  'problems to tell, next page': (s) =>
    untoldProblems(s, [connectionId(0), C], 20, {
      connectionId: connectionId(0),
      id: 'prb_01ARZ3NDEKTSV4RRFFQ69G5FAV',
    }),
  'the audit log': (s) => listAudits(s, { connection: C }, 51),
  'the overview: calls, runs, lag': async (s) => {
    await lastRun(s, C);
    await oldestPending(s, C);
    await oldestUnfolded(s);
    await lastRuns(s);
    await keptOfDay(s, [connectionId(0), C], 20_000);
    await oldestPendings(s, [connectionId(0), C]);
  },
  'the figures': (s) => readFigures(s, [connectionId(0), C], [C]),
};

describe.each(Object.entries(databases))('plans on %s', (name, makeUrl) => {
  let watched: Watched;
  let original: Store;

  beforeAll(async () => {
    const url = await makeUrl();
    original = await openStore(url, systemClock);
    await fillMany(original, SIZE);
    watched = name === 'sqlite' ? watchedSqlite(original) : await watchedPostgres(original, url);
  }, 240_000);
  afterAll(async () => {
    await watched.close();
    await original.close();
  });

  test.each(Object.keys(QUERIES))('%s', async (query) => {
    watched.asked.length = 0;
    await QUERIES[query]?.(watched.store);
    expect(watched.asked.length).toBeGreaterThan(0);
    for (const asked of watched.asked) {
      const walks = await watched.walks(asked);
      expect({ text: asked.text.slice(0, 600), walks }).toEqual({ text: asked.text.slice(0, 600), walks: [] });
    }
  });

  test('what counts everybody reads an index, never the rows', async () => {
    watched.asked.length = 0;
    await statusCounts(watched.store);
    for (const asked of watched.asked) {
      const walks = await watched.walks(asked);
      for (const walk of walks) expect(walk).toMatch(/COVERING INDEX|Index Only Scan/);
    }
  });

  test('a walk would be seen', async () => {
    const walk = { text: 'select * from webhook_events where payload = $1', params: ['x'] };
    const sqlite = { ...walk, text: 'select * from webhook_events where payload = ?' };
    expect(await watched.walks(name === 'sqlite' ? sqlite : walk)).toHaveLength(1);
  });

  test('a search that finds nothing stops after its window and says where to go on', async () => {
    const first = await findEvents(original, { source: 'sticker' }, 51);
    expect([first.length, first.scannedTo]).toEqual([0, expect.stringMatching(/^evt_/)]);
    let pages = 0;
    for (let before = first.scannedTo; before !== undefined; pages++)
      before = (await findEvents(original, { source: 'sticker' }, 51, before)).scannedTo;
    expect(pages).toBe(Math.floor(SIZE.events / WINDOW_ROWS));
  });

  test('a rare row behind the window is found by going on, once', async () => {
    const found: string[] = [];
    let before: string | undefined;
    do {
      const page = await findEvents(original, { type: 'RareEvent' }, 51, before);
      found.push(...page.map((row) => row.id));
      before = page.length >= 51 ? page.at(-1)?.id : page.scannedTo;
    } while (before !== undefined);
    expect(found).toHaveLength(2);
    const one = await findCommands(original, { kind: 'push', state: 'applied' }, 51);
    expect(one).toHaveLength(2);
  });
});
