// How fast the inbox becomes staging: 200,000 events through the real fold, against a plain batched insert-and-update
// of the same rows in the same run. Contract (issue of the main job): at least 0.25 of the plain rate.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { systemClock } from '../src/clock.ts';
import type { Connection } from '../src/domain/connection.ts';
import { silentLogger } from '../src/log.ts';
import { loadMaps } from '../src/maps.ts';
import { projectRoot } from '../src/paths.ts';
import { insertDeliveries, type NewInboxRow } from '../src/store/inbox.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { stageInbox } from '../src/sync/stageInbox.ts';

const EVENTS = Number(process.argv[2] ?? 200_000);
const CUSTOMERS = Math.ceil(EVENTS / 5);
const folder = mkdtempSync(join(tmpdir(), 'bench-fold-'));

const connection = {
  id: 'default',
  mode: 'live',
  dialect: 'report',
  defaultCountry: 'US',
  test: false,
  lowRating: 2,
  ghl: { pipelineId: null, stageId: null },
  stickyCards: { templateId: null },
  activatedAt: new Date(0),
} as unknown as Connection;

const types = [
  'CustomerCreatedEvent',
  'CardIssuedEvent',
  'CardInstalledEvent',
  'CardBalanceUpdatedEvent',
  'CardScannedEvent',
];

function row(i: number): NewInboxRow {
  // Not in the order of people: like real traffic.
  const customer = (i * 7919) % CUSTOMERS;
  const type = types[Math.floor(i / CUSTOMERS) % types.length] as string;
  const at = new Date(1_760_000_000_000 + i * 500);
  const payload = JSON.stringify({
    event_type: type,
    timestamp: Math.floor(at.getTime() / 1000),
    customer_id: `cus_${customer}`,
    card_id: `card_${customer}`,
    email: `person${customer}@example.com`,
    phone_number: `+1212${String(2_000_000 + customer).padStart(7, '0')}`,
    first_name: 'Ana',
    last_name: `No ${customer}`,
    card: { id: `card_${customer}`, status: 'installed', balance: i % 500 },
    segments: ['VIP'],
  });
  const bodyHash = createHash('sha256').update(payload).digest('hex');
  return {
    connectionId: 'default',
    source: 'stickycards',
    dedupeKey: bodyHash,
    deliveryId: null,
    type,
    occurredAt: at,
    receivedAt: at,
    customerId: `cus_${customer}`,
    cardId: `card_${customer}`,
    contactId: null,
    verification: 'verified',
    flags: [],
    headers: null,
    bodyHash,
    payload,
  };
}

const needs = (store: Store) => {
  const { dialects, rows, tagMap } = loadMaps(join(projectRoot, 'config'));
  const dialect = dialects.get('report');
  if (!dialect) throw new Error('config/dialects/report.json is missing');
  return { store, log: silentLogger, rows, tagMap, ghlAppId: null, dialectOf: () => dialect };
};

/** As folding takes them when nothing is received. */
const BATCH = 128;

async function fill(store: Store): Promise<void> {
  for (let i = 0; i < EVENTS; i += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, EVENTS - i) }, (_, j) => row(i + j));
    await store.tx((db) => insertDeliveries(store, db, rows));
  }
}

/** The rows that folding writes, in the same tables, with nothing read and nothing decided: upserts and marks in batches. */
async function plain(): Promise<number> {
  const file = join(folder, 'plain.db');
  const store = await openStore(`file:${file}`, systemClock);
  await fill(store);
  // The shape of a folded row, taken from the real thing.
  const sample = await openStore(`file:${join(folder, 'sample.db')}`, systemClock);
  await sample.tx((db) => insertDeliveries(sample, db, [row(0)]));
  await stageInbox(needs(sample), connection, 1);
  await sample.close();
  const shapes = new Database(join(folder, 'sample.db'), { readonly: true });
  const customer = shapes.prepare('select * from sticky_cards_customers').get() as Record<string, unknown>;
  const card = shapes.prepare('select * from sticky_cards_cards').get() as Record<string, unknown>;
  shapes.close();
  await store.close();

  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('cache_size = -16000');
  const upsert = (table: string, shape: Record<string, unknown>, keys: string[]) => {
    const columns = Object.keys(shape);
    const set = columns.filter((c) => !keys.includes(c)).map((c) => `${c} = excluded.${c}`);
    return db.prepare(
      `insert into ${table} (${columns.join()}) values (${columns.map((c) => `@${c}`).join()}) on conflict (${keys.join()}) do update set ${set.join()}`,
    );
  };
  const putCustomer = upsert('sticky_cards_customers', customer, ['connection_id', 'stickycards_id']);
  const putCard = upsert('sticky_cards_cards', card, ['connection_id', 'card_id']);
  const mark = db.prepare("update webhook_events set status = 'folded', folded_at = ? where id = ?");
  const ids = db.prepare('select id from webhook_events order by id').pluck().all() as string[];
  const started = performance.now();
  for (let i = 0; i < EVENTS; i += BATCH) {
    db.transaction(() => {
      for (let j = i; j < Math.min(i + BATCH, EVENTS); j++) {
        const id = (j * 7919) % CUSTOMERS;
        putCustomer.run({
          ...customer,
          stickycards_id: `cus_${id}`,
          email: `person${id}@example.com`,
          loyalty_points: j % 500,
        });
        putCard.run({ ...card, card_id: `card_${id}`, stickycards_id: `cus_${id}`, balance: j % 500 });
        mark.run(j, ids[j]);
      }
    })();
  }
  const seconds = (performance.now() - started) / 1000;
  db.close();
  return EVENTS / seconds;
}

async function ours(): Promise<number> {
  const store = await openStore(`file:${join(folder, 'ours.db')}`, systemClock);
  await fill(store);
  const started = performance.now();
  let folded = 0;
  for (let taken = -1; taken !== 0; folded += taken) taken = await stageInbox(needs(store), connection, BATCH);
  const seconds = (performance.now() - started) / 1000;
  await store.close();
  if (folded !== EVENTS) throw new Error(`folded ${folded} of ${EVENTS} events`);
  return EVENTS / seconds;
}

const plainRate = await plain();
const ourRate = await ours();
console.log(`plain upserts and marks  ${Math.round(plainRate)} events/s`);
console.log(`fold                     ${Math.round(ourRate)} events/s`);
console.log(`ratio                    ${(ourRate / plainRate).toFixed(2)} (contract: at least 0.25)`);
rmSync(folder, { recursive: true, force: true });
process.exitCode = ourRate / plainRate >= 0.25 ? 0 : 1;
