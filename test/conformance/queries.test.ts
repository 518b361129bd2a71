import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eq } from 'drizzle-orm';
import { systemClock } from '../../src/clock.ts';
import { findEvents, findLogs } from '../../src/store/activityQueries.ts';
import { retryCustomer, retryCustomers, setCustomerPaused } from '../../src/store/customerActions.ts';
import {
  countCustomers,
  type CustomerKey,
  type CustomerPosition,
  customersById,
  listCustomers,
  positionOf,
  positionText,
  withCardsAndLinks,
} from '../../src/store/customerQueries.ts';
import { insertDeliveries, type NewInboxRow } from '../../src/store/inbox.ts';
import { newLink } from '../../src/store/links.ts';
import {
  lastRun,
  lastRuns,
  oldestPending,
  oldestPendings,
  oldestUnfolded,
  statusCounts,
} from '../../src/store/overviewQueries.ts';
import { decideProblem, getProblem } from '../../src/store/problemActions.ts';
import { clearProblems, listProblems, raiseProblems } from '../../src/store/problems.ts';
import { closeRun, type NewLogRow, noCounts, openRun, writeLogs } from '../../src/store/runs.ts';
import { type CustomerRow, newCustomerRow } from '../../src/store/staging.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const at = new Date('2026-03-01T10:00:00.123Z');
const CONNECTIONS = ['Alpha', 'beta', 'empty'];
const PEOPLE = 2_600;

describe.each(Object.entries(databases))('the queries for people on %s', (_name, makeUrl) => {
  let store: Store;

  beforeAll(async () => {
    store = await openStore(await makeUrl(), systemClock);
    await store.tx(async (db) => {
      for (const id of CONNECTIONS) {
        const settings = id === 'beta' ? { defaultCountry: 'DE' } : {};
        const row = {
          id,
          mode: 'live' as const,
          dialect: 'report',
          settings,
          secrets: {},
          pausedDirections: [],
          cursors: {},
          createdAt: at,
          updatedAt: at,
        };
        await db.insert(store.s.connections).values(row);
      }
      const rows: CustomerRow[] = [];
      for (let i = 0; i < PEOPLE; i++) {
        const id = `cus_${String(i).padStart(4, '0')}`;
        rows.push({ ...newCustomerRow('Alpha', id, at), firstName: i === 2_500 ? 'Zoë' : 'Kim', syncStatus: 'SYNCED' });
      }
      const error = (code: string) => ({ class: 'excluded', code, message: code });
      rows.push({ ...newCustomerRow('beta', 'cus_0001', at), mobile: '+491711234567', email: 'x@example.com' });
      rows.push({
        ...newCustomerRow('beta', 'cus_f1', at),
        syncStatus: 'FAILED',
        attempts: 4,
        syncError: error('field'),
        nextAttemptAt: at,
      });
      rows.push({ ...newCustomerRow('beta', 'cus_f2', at), syncStatus: 'FAILED', syncError: error('validation') });
      await store.bulk.write(db, store.s.stickyCardsCustomers, rows, {
        conflict: ['connectionId', 'stickycardsId'],
        update: 'none',
      });
    });
  });
  afterAll(() => store.close());

  const keys = (rows: CustomerRow[]) => rows.map((row) => `${row.connectionId}/${row.stickycardsId}`);

  test('people come page by page over all connections, none missing and none twice', async () => {
    const seen: string[] = [];
    let after: CustomerKey | undefined;
    for (;;) {
      const { rows, next } = await listCustomers(store, {}, 900, after);
      seen.push(...keys(rows));
      if (!next) break;
      after = next;
    }
    expect(seen).toHaveLength(PEOPLE + 3);
    expect(new Set(seen).size).toBe(PEOPLE + 3);
    expect(seen.at(-1)).toBe('beta/cus_f2');
  });

  test('a name far down the list is found, and a page that is exactly full is the last one', async () => {
    const { rows, next } = await listCustomers(store, { q: 'ZOË' }, 10);
    expect([keys(rows), next]).toEqual([['Alpha/cus_2500'], null]);
    expect((await listCustomers(store, { syncStatus: 'FAILED' }, 2)).next).toBeNull();
    expect((await listCustomers(store, { syncStatus: 'FAILED' }, 1)).next).toEqual({
      connectionId: 'beta',
      customerId: 'cus_f1',
    });
    expect(keys((await listCustomers(store, { code: 'validation' }, 5)).rows)).toEqual(['beta/cus_f2']);
  });

  test('a phone number is read in the country of each connection; an id is found in all of them', async () => {
    expect(keys((await listCustomers(store, { q: '0171 1234567' }, 5)).rows)).toEqual(['beta/cus_0001']);
    expect(keys((await listCustomers(store, { q: 'X@Example.com' }, 5)).rows)).toEqual(['beta/cus_0001']);
    expect(keys((await listCustomers(store, { q: 'cus_0001' }, 5)).rows)).toEqual(['Alpha/cus_0001', 'beta/cus_0001']);
    expect(keys(await customersById(store, 'cus_0001')).toSorted()).toEqual(['Alpha/cus_0001', 'beta/cus_0001']);
    expect(keys(await customersById(store, 'cus_0001', 'beta'))).toEqual(['beta/cus_0001']);
  });

  test('a retry lifts what GHL refused, keeps the other holds and leaves everybody else alone', async () => {
    const held = (reason: string) => ({ revision: 0, held: { reason, value: 'v', atMs: 1 } });
    const link = {
      ...newLink(store, 'beta', 'cus_f1', 'ghl_1', 'live'),
      fields: { email: held('dropped_by_ghl'), phone: held('cleared_in_ghl') },
    };
    await store.tx((db) => db.insert(store.s.entityMappings).values(link));
    await retryCustomer(store, { connectionId: 'beta', customerId: 'cus_f1' }, 'anna');
    const [person] = await withCardsAndLinks(store, await customersById(store, 'cus_f1', 'beta'));
    expect(person?.row).toMatchObject({
      syncStatus: 'PENDING',
      attempts: 0,
      nextAttemptAt: null,
      syncError: null,
      version: 2,
    });
    expect(person?.link?.fields).toEqual({ email: { revision: 0 }, phone: held('cleared_in_ghl') });
    expect(await retryCustomers(store, { syncStatus: 'FAILED' }, 'anna')).toBe(1);
    expect(await retryCustomers(store, { syncStatus: 'FAILED' }, 'anna')).toBe(0);
    expect((await statusCounts(store)).get('Alpha')).toEqual({ PENDING: 0, SYNCED: PEOPLE, FAILED: 0, SKIPPED: 0 });
  });

  test('pausing a person is written down once', async () => {
    const key = { connectionId: 'beta', customerId: 'cus_f2' };
    await setCustomerPaused(store, key, true, 'anna');
    await setCustomerPaused(store, key, true, 'anna');
    expect((await customersById(store, 'cus_f2', 'beta'))[0]?.paused).toBe(true);
    const audits = (await store.db.select().from(store.s.syncAuditLogs)).filter(
      (row) => row.action === 'customer.pause',
    );
    expect(audits).toMatchObject([
      { actor: 'anna', subject: 'cus_f2', before: { paused: false }, after: { paused: true } },
    ]);
  });

  test('a problem that was resolved by hand counts from one when it comes back', async () => {
    const raised = (recordId: string) => ({ code: 'record_failed', recordId, sample: {} });
    await store.tx((db) => raiseProblems(store, db, 'beta', [raised('a'), raised('b')]));
    const [problem] = await listProblems(store, { connection: 'beta' }, 1);
    const id = problem?.id as string;
    expect(await decideProblem(store, id, 'resolved', 'anna')).toMatchObject({ state: 'resolved', affected: 0 });
    await store.tx((db) => raiseProblems(store, db, 'beta', [raised('b')]));
    expect(await getProblem(store, id)).toMatchObject({ state: 'open', affected: 1 });
    expect(await decideProblem(store, 'prb_none', 'ignored', 'anna')).toBeNull();
  });

  test('a problem that is over cannot be acknowledged, and comes back open whatever state it was in but ignored', async () => {
    const raise = (...recordIds: string[]) =>
      store.tx((db) =>
        raiseProblems(
          store,
          db,
          'beta',
          recordIds.map((recordId) => ({ code: 'field_refused', recordId, sample: {} })),
        ),
      );
    const decide = (state: 'acknowledged' | 'resolved' | 'ignored') => decideProblem(store, id, state, 'anna');
    const over = { code: 'problem_is_over', httpStatus: 409 };
    await raise('a');
    const id = (await listProblems(store, { code: 'field_refused' }, 1))[0]?.id as string;

    await decide('resolved');
    await expect(decide('acknowledged')).rejects.toMatchObject(over);
    await raise('a', 'b');
    expect(await getProblem(store, id)).toMatchObject({ state: 'open', affected: 2 });

    // Over by itself while it was ignored: acknowledged then, it would stay silent as well.
    await decide('ignored');
    await store.tx(async (db) => {
      for (const recordId of ['a', 'b']) await clearProblems(store, db, 'beta', recordId, ['field_refused']);
    });
    expect(await getProblem(store, id)).toMatchObject({ state: 'ignored', affected: 0 });
    await expect(decide('acknowledged')).rejects.toMatchObject(over);
    await raise('a');
    expect(await getProblem(store, id)).toMatchObject({ state: 'ignored', affected: 1 });
    expect(await decide('acknowledged')).toMatchObject({ state: 'acknowledged', affected: 1 });
    await raise('a', 'b');
    expect(await getProblem(store, id)).toMatchObject({ state: 'acknowledged', affected: 2 });

    // As an earlier version left it.
    await store.tx((db) => db.update(store.s.problems).set({ affected: 0 }).where(eq(store.s.problems.id, id)));
    await raise('c');
    expect(await getProblem(store, id)).toMatchObject({ state: 'open', affected: 1 });
  });

  test('what all connections did comes newest first, page after page', async () => {
    const log = (i: number): NewLogRow => ({
      runId: 'run_1',
      connectionId: i % 3 === 0 ? 'Alpha' : 'beta',
      entityType: 'customer',
      entityId: 'cus_0001',
      customerId: 'cus_0001',
      contactId: null,
      direction: 'stickycards_to_ghl',
      action: 'update',
      status: 'failed',
      errorClass: null,
      errorCode: null,
      errorMessage: String(i),
      changes: [],
      tagsAdded: [],
      tagsRemoved: [],
      traceId: null,
      attempt: 1,
      nextAttemptAt: null,
      durationMs: null,
    });
    await store.tx((db) =>
      writeLogs(
        store,
        db,
        Array.from({ length: 8 }, (_, i) => log(i)),
      ),
    );
    const seen: (string | null)[] = [];
    for (let before: string | undefined; ;) {
      const rows = await findLogs(store, { customerId: 'cus_0001' }, 3, before);
      if (rows.length === 0) break;
      seen.push(...rows.map((row) => row.errorMessage));
      before = rows.at(-1)?.id;
    }
    expect(seen).toEqual(['7', '6', '5', '4', '3', '2', '1', '0']);
    expect(await findLogs(store, { status: 'failed' }, 100)).toHaveLength(8);
    expect(await findLogs(store, { connection: 'Alpha', status: 'failed' }, 100)).toHaveLength(3);
  });

  test('the overview knows the age of what waits and the last run', async () => {
    const delivery = (key: string, receivedAt: Date): NewInboxRow => ({
      connectionId: 'Alpha',
      source: 'stickycards',
      dedupeKey: key,
      deliveryId: null,
      type: 'CardScannedEvent',
      occurredAt: at,
      receivedAt,
      customerId: 'cus_0001',
      cardId: null,
      contactId: null,
      verification: 'verified',
      flags: [],
      headers: null,
      bodyHash: 'h',
      payload: '{}',
    });
    const later = new Date(at.getTime() + 60_000);
    await store.tx((db) =>
      insertDeliveries(store, db, [
        delivery('1', later),
        delivery('2', at),
        { ...delivery('3', new Date(1)), foldedAt: at },
      ]),
    );
    expect((await oldestUnfolded(store)).get('Alpha')).toEqual(at);
    expect(await oldestPending(store, 'beta')).toEqual(at);
    expect(await oldestPending(store, 'Alpha')).toBeNull();
    expect((await findEvents(store, { customerId: 'cus_0001' }, 2)).map((row) => row.connectionId)).toEqual([
      'Alpha',
      'Alpha',
    ]);
    const first = await openRun(store, { connectionId: 'beta', direction: 'both', trigger: 'manual' });
    await closeRun(store, first, noCounts(), 'completed', null);
    const second = await openRun(store, { connectionId: 'beta', direction: 'both', trigger: 'manual' });
    await closeRun(store, second, noCounts(), 'completed', null);
    await store.tx((db) =>
      db.insert(store.s.syncRunSummaries).values({
        id: 'run_01ARZ3NDEKTSV4RRFFQ69G5FAV',
        connectionId: 'beta',
        direction: 'both',
        trigger: 'cron',
        status: 'completed',
        startedAt: at,
        heartbeatAt: at,
      }),
    );
    expect((await lastRun(store, 'beta'))?.id).toBe(second);
    expect(await lastRun(store, 'Alpha')).toBeNull();
    // The same, asked for all connections at once.
    expect([...(await lastRuns(store))].map(([id, run]) => [id, run.id])).toEqual([['beta', second]]);
    const oldest = await oldestPendings(store, CONNECTIONS);
    expect(oldest.get('beta')).toEqual(await oldestPending(store, 'beta'));
    expect(oldest.get('beta')).toEqual(at);
    expect([oldest.has('Alpha'), oldest.has('empty')]).toEqual([false, false]);
  });

  test('everybody who shares an e-mail is found page by page and retried, and nobody else', async () => {
    const email = 'shop@example.com';
    const row = (connection: string, id: string, values: Partial<CustomerRow>) => ({
      ...newCustomerRow(connection, id, at),
      syncStatus: 'FAILED' as const,
      ...values,
    });
    const sharing = (connection: string, count: number) =>
      Array.from({ length: count }, (_, n) => row(connection, `shared_${String(n).padStart(3, '0')}`, { email }));
    const rows = [
      ...sharing('Alpha', 230),
      ...sharing('beta', 20),
      row('beta', 'other_1', { email: `${email}.au` }),
      row('Alpha', 'other_2', { firstName: email }),
      row('Alpha', 'shared_done', { email, syncStatus: 'SYNCED' }),
    ];
    await store.tx((db) =>
      store.bulk.write(db, store.s.stickyCardsCustomers, rows, {
        conflict: ['connectionId', 'stickycardsId'],
        update: 'none',
      }),
    );
    const filter = { q: email.toUpperCase(), syncStatus: 'FAILED' as const };
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let after: CustomerPosition | undefined; ;) {
      const page = await listCustomers(store, filter, 100, after);
      seen.push(...keys(page.rows));
      sizes.push(page.rows.length);
      if (!page.next) break;
      // As a cursor brings it back.
      after = positionOf(positionText(page.next));
    }
    expect(sizes).toEqual([100, 100, 50]);
    expect(new Set(seen).size).toBe(250);
    expect(seen.every((key) => key.includes('/shared_'))).toBe(true);
    expect(await countCustomers(store, filter)).toBe(250);
    expect((await listCustomers(store, filter, 250)).next).toBeNull();
    // They change under its hands: whoever was taken is no longer a failed one.
    expect(await retryCustomers(store, filter, 'anna')).toBe(250);
    expect(keys((await listCustomers(store, filter, 100)).rows)).toEqual(['Alpha/other_2', 'beta/other_1']);
  });
});
