// How fast GHL's deliveries are taken in: 10,000 app webhooks, 70 % of them echoes of our own writes, through the real
// fold. Contract (issue of the reverse path): folded in seconds, and only the others mark a contact for a read.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock.ts';
import type { Connection } from '../src/domain/connection.ts';
import { silentLogger } from '../src/log.ts';
import { loadMaps } from '../src/maps.ts';
import { projectRoot } from '../src/paths.ts';
import { insertDeliveries, type NewInboxRow } from '../src/store/inbox.ts';
import { type LinkRow, newLink, writeLinks } from '../src/store/links.ts';
import { countMarks } from '../src/store/marks.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { stageInbox } from '../src/sync/stageInbox.ts';

const EVENTS = Number(process.argv[2] ?? 10_000);
const CONTACTS = Math.ceil(EVENTS / 2);
const ECHOES = 0.7;
/** As folding takes them when nothing is received. */
const BATCH = 128;

const { dialects, rows, tagMap } = loadMaps(join(projectRoot, 'config'));
const dialect = dialects.get('report');
if (!dialect) throw new Error('config/dialects/report.json is missing');

const fieldIds = Object.fromEntries(rows.filter((row) => row.ghl === 'custom').map((row) => [row.key, `f_${row.key}`]));
const connection = {
  id: 'default',
  mode: 'live',
  state: 'ready',
  dialect: 'report',
  defaultCountry: 'US',
  timeZone: null,
  test: false,
  createCustomers: 'all',
  location: { timeZone: 'America/New_York', allowDuplicateContact: false, fieldIds, readAtMs: 0 },
  activatedAt: new Date(0),
} as unknown as Connection;

const email = (n: number) => `person${n}@example.com`;
const phone = (n: number) => `+1212${String(2_000_000 + n)}`;

function link(store: Store, n: number): LinkRow {
  const fields: LinkRow['fields'] = {};
  const values = { email: email(n), phone: phone(n), first_name: 'Ana', last_name: `No ${n}`, loyalty_points: n % 500 };
  for (const row of rows)
    fields[row.key] = { base: (values as Record<string, string | number>)[row.key] ?? null, revision: 1 };
  const made = newLink(store, 'default', `cus_${n}`, `con_${n}`, 'live');
  return { ...made, fields, tags: { base: ['card holder', 'vip'], off: {} } };
}

let edits = 0;
function row(i: number): NewInboxRow {
  // Not in the order of contacts: like real traffic.
  const n = (i * 7919) % CONTACTS;
  const isEcho = i % 10 < ECHOES * 10;
  if (!isEcho) edits += 1;
  const at = new Date(1_760_000_000_000 + i * 500);
  const payload = JSON.stringify({
    type: 'ContactUpdate',
    locationId: 'LOC1',
    id: `con_${n}`,
    firstName: isEcho ? 'Ana' : 'Anna',
    lastName: `No ${n}`,
    email: email(n),
    phone: phone(n),
    dnd: false,
    tags: ['card holder', 'vip'],
    customFields: [{ id: fieldIds['loyalty_points'], value: n % 500 }],
    timestamp: at.toISOString(),
    webhookId: `wh-${i}`,
  });
  return {
    connectionId: 'default',
    source: 'ghl',
    dedupeKey: `id wh-${i}`,
    deliveryId: `wh-${i}`,
    type: 'ContactUpdate',
    occurredAt: at,
    receivedAt: at,
    customerId: null,
    cardId: null,
    contactId: `con_${n}`,
    verification: 'verified',
    flags: [],
    headers: null,
    bodyHash: createHash('sha256').update(payload).digest('hex'),
    payload,
  };
}

const folder = mkdtempSync(join(tmpdir(), 'bench-reverse-fold-'));
const store = await openStore(`file:${join(folder, 'sync.db')}`, systemClock);
try {
  for (let i = 0; i < CONTACTS; i += BATCH) {
    const links = Array.from({ length: Math.min(BATCH, CONTACTS - i) }, (_, j) => link(store, i + j));
    await store.tx((db) => writeLinks(store, db, links));
  }
  const marked = new Set<string>();
  for (let i = 0; i < EVENTS; i += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, EVENTS - i) }, (_, j) => row(i + j));
    for (const each of batch) if (!each.payload?.includes('"Ana"')) marked.add(each.contactId as string);
    await store.tx((db) => insertDeliveries(store, db, batch));
  }
  const needs = { store, log: silentLogger, rows, tagMap, ghlAppId: null, dialectOf: () => dialect };
  const startedAtMs = performance.now();
  let folded = 0;
  for (let taken = -1; taken !== 0; folded += taken) taken = await stageInbox(needs, connection, BATCH);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const marks = await countMarks(store, 'default');
  process.stdout.write(
    `${folded} deliveries of ${CONTACTS} linked contacts, ${folded - edits} echoes: ${seconds.toFixed(2)} s, ` +
      `${Math.round(folded / seconds)} a second; ${marks} contacts marked, ${marked.size} were edited\n`,
  );
  if (folded !== EVENTS || marks !== marked.size) process.exitCode = 1;
} finally {
  await store.close();
  rmSync(folder, { recursive: true });
}
