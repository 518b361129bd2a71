// A large installation as rows: what the plans of queries are looked at over, and the times of pages measured over.
import { newCard } from '../src/domain/stagedRecord.ts';
import { createIds } from '../src/ids.ts';
import type { InboxRow } from '../src/store/inbox.ts';
import { newLink } from '../src/store/links.ts';
import { cardRow, newCustomerRow } from '../src/store/staging.ts';
import type { Store } from '../src/store/store.ts';

export interface Size {
  connections: number;
  events: number;
  customers: number;
  logs: number;
  commands: number;
}

const START_MS = Date.UTC(2026, 0, 1);
const BATCH = 2_000;

export const connectionId = (n: number): string => `client-${String(n).padStart(3, '0')}`;
export const customerId = (n: number): string => `cus_${String(n).padStart(7, '0')}`;

const TYPES = ['CardScannedEvent', 'CardBalanceUpdatedEvent', 'CardInstalledEvent', 'CustomerCreatedEvent'];
const rare = (n: number) => n % 30_011 === 7;

/** Fills an empty database; people, events, logs and commands are spread evenly over the connections. */
export async function fillMany(store: Store, size: Size): Promise<void> {
  const at = (n: number) => new Date(START_MS + n * 1_000);
  const newId = createIds();
  const inBatches = async (count: number, write: (from: number, to: number) => Promise<void>) => {
    for (let from = 0; from < count; from += BATCH) await write(from, Math.min(count, from + BATCH));
  };
  const range = <T>(from: number, to: number, make: (n: number) => T): T[] =>
    Array.from({ length: to - from }, (_, i) => make(from + i));
  const of = (n: number) => connectionId(n % size.connections);

  await store.tx((db) =>
    db.insert(store.s.connections).values(
      range(0, size.connections, (n) => ({
        id: connectionId(n),
        mode: 'live' as const,
        dialect: 'report',
        settings: {},
        secrets: {},
        pausedDirections: [],
        cursors: {},
        activatedAt: at(0),
        createdAt: at(0),
        updatedAt: at(n),
      })),
    ),
  );

  await inBatches(size.customers, async (from, to) => {
    const status = (n: number) =>
      n % 97 === 0
        ? ('FAILED' as const)
        : n % 7 === 0
          ? ('SKIPPED' as const)
          : n % 101 === 0
            ? ('PENDING' as const)
            : ('SYNCED' as const);
    const people = range(from, to, (n) => ({
      ...newCustomerRow(of(n), customerId(n), at(n)),
      email: `person${n}@example.com`,
      mobile: `+1212${String(2_000_000 + n)}`,
      firstName: 'Ana',
      lastName: `No ${n}`,
      cardId: `card_${n}`,
      loyaltyPoints: n % 500,
      syncStatus: status(n),
      syncError: n % 97 === 0 ? { class: 'validation', code: rare(n) ? 'rare' : 'validation', message: '422' } : null,
    }));
    const cards = range(from, to, (n) => cardRow(of(n), newCard(`card_${n}`, customerId(n)), undefined, at(n)));
    const links = range(from, to, (n) => ({ ...newLink(store, of(n), customerId(n), `con_${n}`, 'live' as const) }));
    await store.tx(async (db) => {
      await store.bulk.write(db, store.s.stickyCardsCustomers, people, {
        conflict: ['connectionId', 'stickycardsId'],
        update: 'none',
      });
      await store.bulk.write(db, store.s.stickyCardsCards, cards, {
        conflict: ['connectionId', 'cardId'],
        update: 'none',
      });
      await store.bulk.write(db, store.s.entityMappings, links, { conflict: ['id'], update: 'none' });
    });
  });

  await inBatches(size.events, async (from, to) => {
    const rows = range(from, to, (n): InboxRow => {
      const odd = n % 211 === 0;
      const waits = n >= size.events - 40;
      return {
        id: newId('evt', at(n).getTime()),
        connectionId: of(n),
        source: n % 3 === 0 ? 'ghl' : 'stickycards',
        dedupeKey: `d${n}`,
        deliveryId: `d${n}`,
        type: rare(n) ? 'RareEvent' : (TYPES[n % TYPES.length] as string),
        occurredAt: at(n),
        receivedAt: at(n),
        customerId: customerId(n % size.customers),
        cardId: `card_${n % size.customers}`,
        contactId: n % 3 === 0 ? `con_${n % size.customers}` : null,
        status: waits ? 'received' : odd ? (n % 2 === 0 ? 'skipped' : 'rejected') : 'folded',
        reason: odd ? 'unknown_event_type' : null,
        verification: 'verified',
        flags: [],
        duplicates: 0,
        headers: null,
        bodyHash: 'h',
        payload: `{"event_type":"CardScannedEvent","timestamp":1,"customer_id":"${customerId(n % size.customers)}","first_name":"Ana","filler":"${'x'.repeat(200)}"}`,
        foldedAt: waits ? null : at(n),
      };
    });
    await store.tx((db) => store.bulk.write(db, store.s.webhookEvents, rows, { conflict: ['id'], update: 'none' }));
  });

  const runsOf = Math.max(1, Math.floor(size.logs / 500));
  const runIds = range(0, runsOf, (n) => newId('run', at(n * 500).getTime()));
  await inBatches(runsOf, async (from, to) => {
    const rows = range(from, to, (n) => ({
      id: runIds[n] as string,
      connectionId: of(n),
      direction: 'both' as const,
      trigger: n % 20 === 0 ? ('manual' as const) : ('cron' as const),
      status: n % 30 === 0 ? ('partial' as const) : ('completed' as const),
      apiCalls: 500,
      startedAt: at(n * 500),
      heartbeatAt: at(n * 500),
      completedAt: at(n * 500 + 60),
      durationMs: 60_000,
    }));
    await store.tx((db) => store.bulk.write(db, store.s.syncRunSummaries, rows, { conflict: ['id'], update: 'none' }));
  });
  await inBatches(size.logs, async (from, to) => {
    const rows = range(from, to, (n) => ({
      id: newId('log', at(n).getTime()),
      runId: runIds[Math.floor(n / 500) % runsOf] as string,
      connectionId: of(n),
      entityType: 'customer',
      entityId: customerId(n % size.customers),
      customerId: customerId(n % size.customers),
      contactId: `con_${n % size.customers}`,
      direction: 'stickycards_to_ghl' as const,
      action: 'update' as const,
      status: n % 83 === 0 ? ('failed' as const) : ('success' as const),
      changes: [{ field: 'loyalty_points', before: 1, after: 2 }],
      tagsAdded: [],
      tagsRemoved: [],
      createdAt: at(n),
    }));
    await store.tx((db) => store.bulk.write(db, store.s.syncLogs, rows, { conflict: ['id'], update: 'none' }));
  });
  await inBatches(size.commands, async (from, to) => {
    const rows = range(from, to, (n) => ({
      id: newId('cmd', at(n).getTime()),
      connectionId: of(n),
      kind: rare(n) ? ('push' as const) : n % 2 === 0 ? ('note' as const) : ('add_points' as const),
      target: `customer:${customerId(n % size.customers)}`,
      sourceEvent: `e${n}`,
      state: n % 401 === 0 ? ('unknown' as const) : ('applied' as const),
      params: {},
      createdAt: at(n),
      updatedAt: at(n),
    }));
    await store.tx((db) => store.bulk.write(db, store.s.commands, rows, { conflict: ['id'], update: 'none' }));
  });
  await store.tx((db) =>
    db.insert(store.s.problems).values(
      range(0, Math.min(500, size.customers), (n) => ({
        id: newId('prb', at(n).getTime()),
        connectionId: of(n),
        code: 'record_failed',
        cause: `c${n}`,
        state: n % 5 === 0 ? ('open' as const) : ('resolved' as const),
        affected: 1,
        sample: {},
        firstSeenAt: at(n),
        lastSeenAt: at(n),
        updatedAt: at(n),
      })),
    ),
  );
}
