import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { systemClock } from '../../src/clock.ts';
import { emptyReport } from '../../src/domain/firstLink.ts';
import { AppError } from '../../src/errors.ts';
import { type ApiNeeds, createApiRouter } from '../../src/http/api/index.ts';
import { errorHandler, notFound } from '../../src/http/errorHandler.ts';
import { silentLogger } from '../../src/log.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';
import { type ConnectionRegistry, createConnectionRegistry } from '../../src/store/connectionRegistry.ts';
import { createConnectionStore } from '../../src/store/connections.ts';
import { insertDeliveries, type NewInboxRow } from '../../src/store/inbox.ts';
import { newLink } from '../../src/store/links.ts';
import { type CallBudget, createCallBudget } from '../../src/store/callBudget.ts';
import { raiseProblems } from '../../src/store/problems.ts';
import { closeRun, getRun, type NewLogRow, noCounts, openRun, writeLogs } from '../../src/store/runs.ts';
import { createSecretBox } from '../../src/store/secrets.ts';
import { type CustomerRow, newCustomerRow } from '../../src/store/staging.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

interface Answer {
  status: number;
  body: Record<string, unknown> & { items: Record<string, unknown>[]; nextCursor: string | null };
  text: string;
  headers: Headers;
}

const SECRETS = {
  ghlAccessToken: 'pit-very-secret',
  ghlWorkflowKey: 'wf-very-secret',
  stickyCardsApiKey: 'sk-very-secret',
  stickyCardsWebhookSecrets: ['wh-very-secret-1', 'wh-very-secret-2'],
  stickerWebhookSecret: 'st-very-secret',
};
const at = new Date('2026-03-01T10:00:00.123Z');
const DAY_MS = 86_400_000;

let store: Store;
let callBudget: CallBudget;
let registry: ConnectionRegistry;
let server: Server;
let url: string;
const asked: Parameters<ApiNeeds['schedule']['run']>[0][] = [];
let refuseRuns = false;

beforeAll(async () => {
  store = await openStore(await databases.sqlite(), systemClock);
  const box = createSecretBox([{ version: 1, key: randomBytes(32) }]);
  const connections = createConnectionStore(store, box);
  await connections.create('north', { ghlLocationId: 'loc1', ...SECRETS }, 'test', 'live');
  await connections.create('south', {}, 'test');
  await connections.create('resting', {}, 'test');
  await connections.pause('resting', 'test');
  registry = await createConnectionRegistry(connections, silentLogger);
  const schedule: ApiNeeds['schedule'] = {
    run: async (order) => {
      asked.push(order);
      if (refuseRuns) throw new AppError('no_holder', 'nobody speaks for it', { httpStatus: 503 });
      const id = await openRun(store, order);
      await closeRun(store, id, { ...noCounts(), totalRecords: 2, updatedCount: 2 }, 'completed', null);
      return getRun(store, id);
    },
  };
  callBudget = createCallBudget({ store, log: silentLogger });
  const app = express();
  app.use(
    '/api',
    createApiRouter({
      store,
      connections,
      registry,
      removals: {
        remove: async (id, actor) => {
          await connections.remove(id, actor);
          await registry.refresh();
        },
      },
      schedule,
      firstLink: ({ id, mode }) => Promise.resolve(emptyReport(id, mode, at)),
      doctor: ({ id }) => Promise.resolve({ connection: id, status: 'green', checkedAt: at, checks: [] }),
      setup: () => Promise.reject(new Error('not asked for here')),
      firstDelivery: () => Promise.resolve(false),
      callBudget,
      dialects: ['report', 'digitalwallet'],
      maps: loadMaps(join(projectRoot, 'config')),
      log: silentLogger,
    }),
  );
  app.use(notFound, errorHandler(silentLogger));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  registry.close();
  await callBudget.close();
  await store.close();
});

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${url}/api${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') ? (JSON.parse(text) as Answer['body']) : null;
  return { status: response.status, body: json as Answer['body'], text, headers: response.headers };
}
const get = (path: string) => call('GET', path);
const post = (path: string, body?: unknown) => call('POST', path, body);

/** Every item of a list, page by page; checks that each page is as long as it may be. */
async function walk(path: string, limit: number): Promise<{ items: Record<string, unknown>[]; pages: number }> {
  const items: Record<string, unknown>[] = [];
  for (let cursor = '', pages = 1; ; pages++) {
    const { status, body } = await get(
      `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor && `&cursor=${cursor}`}`,
    );
    expect(status).toBe(200);
    items.push(...body.items);
    if (body.nextCursor === null) return { items, pages };
    expect(body.items).toHaveLength(limit);
    cursor = body.nextCursor;
  }
}

const problem = (answer: Answer) => ({
  status: answer.status,
  type: answer.headers.get('content-type'),
  field: answer.body.field,
  detail: answer.body.detail,
});

async function addCustomers(rows: (Partial<CustomerRow> & { connectionId: string; stickycardsId: string })[]) {
  await store.tx(async (db) => {
    for (const row of rows) {
      await db
        .insert(store.s.stickyCardsCustomers)
        .values({ ...newCustomerRow(row.connectionId, row.stickycardsId, at), ...row });
    }
  });
}

const audits = async (action: string) =>
  (await store.db.select().from(store.s.syncAuditLogs)).filter((row) => row.action === action);

describe('runs and logs', () => {
  let runId: string;

  test('a run of one connection, waited for, is answered in full', async () => {
    const { status, body } = await post('/runs', { connection: 'north', direction: 'stickycards_to_ghl', wait: true });
    expect(status).toBe(200);
    const runs = body.runs as Record<string, unknown>[];
    expect(runs).toEqual([
      {
        id: expect.stringMatching(/^run_/),
        connection: 'north',
        direction: 'stickycards_to_ghl',
        trigger: 'manual',
        status: 'completed',
        totalRecords: 2,
        createdCount: 0,
        updatedCount: 2,
        unchangedCount: 0,
        skippedCount: 0,
        failedCount: 0,
        apiCalls: 0,
        rateLimitWaits: 0,
        startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        heartbeatAt: expect.any(String),
        completedAt: expect.any(String),
        durationMs: expect.any(Number),
        lastError: null,
      },
    ]);
    runId = (runs[0] as { id: string }).id;
    expect((await get(`/runs/${runId}`)).body).toEqual(runs[0]);
  });

  test('without a connection every one runs that is not paused; without wait the answer comes at once', async () => {
    asked.length = 0;
    const { status, body } = await post('/runs', {});
    expect(status).toBe(202);
    expect(body).toEqual({ accepted: [{ connection: 'north' }, { connection: 'south' }] });
    expect(asked.map((a) => [a.connectionId, a.direction, a.trigger])).toEqual([
      ['north', 'both', 'manual'],
      ['south', 'both', 'manual'],
    ]);
  });

  test('a paused connection runs when it is named, an unknown one is 404, a run that nobody takes is 503', async () => {
    expect((await post('/runs', { connection: 'resting', wait: true })).status).toBe(200);
    expect((await post('/runs', { connection: 'nowhere', wait: true })).status).toBe(404);
    refuseRuns = true;
    expect((await post('/runs', { connection: 'north', wait: true })).status).toBe(503);
    expect((await post('/runs', { connection: 'north' })).status).toBe(202);
    refuseRuns = false;
  });

  test('runs are listed by connection, status, direction and trigger', async () => {
    await openRun(store, {
      connectionId: 'south',
      direction: 'ghl_to_stickycards',
      trigger: 'cron',
      status: 'skipped-overlap',
    });
    const count = async (query: string) => (await get(`/runs?${query}`)).body.items.length;
    expect(await count('status=skipped-overlap')).toBe(1);
    expect(await count('connection=south&trigger=cron')).toBe(1);
    expect(await count('connection=south&direction=stickycards_to_ghl')).toBe(0);
    expect(await count('direction=ghl_to_stickycards')).toBe(1);
  });

  test('whoever asks for a run is written down, for each connection, whatever becomes of it', async () => {
    asked.length = 0;
    const before = (await audits('run.start')).length;
    await post('/runs', { direction: 'ghl_to_stickycards', wait: true });
    refuseRuns = true;
    await post('/runs', { connection: 'resting', wait: true });
    refuseRuns = false;
    await post('/runs', { connection: 'nowhere' });
    expect(asked).toHaveLength(3);
    const row = { actor: 'api', before: null };
    const after = { direction: 'ghl_to_stickycards', trigger: 'manual' };
    expect((await audits('run.start')).slice(before)).toMatchObject([
      { ...row, subject: 'north', connectionId: 'north', after },
      { ...row, subject: 'south', connectionId: 'south', after },
      { ...row, subject: 'resting', connectionId: 'resting', after: { ...after, direction: 'both' } },
    ]);
  });

  test('the logs of a run and of a customer come with their changes, in pages without gaps or repeats', async () => {
    const log = (entityId: string, status: NewLogRow['status'], connectionId = 'north'): NewLogRow => ({
      runId,
      connectionId,
      entityType: 'customer',
      entityId,
      customerId: entityId,
      contactId: null,
      direction: 'stickycards_to_ghl',
      action: 'update',
      status,
      errorClass: status === 'failed' ? 'validation' : null,
      errorCode: status === 'failed' ? 'validation' : null,
      errorMessage: status === 'failed' ? '422 no' : null,
      changes: [{ field: 'first_name', before: null, after: 'Ann' }],
      tagsAdded: ['card holder'],
      tagsRemoved: [],
      traceId: 't1',
      attempt: 1,
      nextAttemptAt: null,
      durationMs: 12,
    });
    const rows = Array.from({ length: 7 }, (_, i) => log(`cus_${i}`, i === 3 ? 'failed' : 'success'));
    await store.tx((db) => writeLogs(store, db, [...rows, { ...log('cus_3', 'failed', 'south'), runId: 'run_other' }]));
    const { items, pages } = await walk(`/runs/${runId}/logs`, 3);
    expect(pages).toBe(3);
    expect(items.map((item) => item.entityId)).toEqual(['cus_6', 'cus_5', 'cus_4', 'cus_3', 'cus_2', 'cus_1', 'cus_0']);
    expect(items[3]).toEqual({
      id: expect.stringMatching(/^log_/),
      runId,
      connection: 'north',
      entityType: 'customer',
      entityId: 'cus_3',
      direction: 'stickycards_to_ghl',
      action: 'update',
      status: 'failed',
      errorClass: 'validation',
      errorCode: 'validation',
      message: '422 no',
      changes: [{ field: 'first_name', before: null, after: 'Ann' }],
      tagsAdded: ['card holder'],
      tagsRemoved: [],
      traceId: 't1',
      attempt: 1,
      nextAttemptAt: null,
      durationMs: 12,
      createdAt: expect.any(String),
    });
    expect((await get('/logs?customerId=cus_3')).body.items.map((i) => i.connection)).toEqual(['south', 'north']);
    expect((await walk('/logs?status=failed', 1)).items).toHaveLength(2);
    expect((await get(`/logs?runId=${runId}&status=failed`)).body.items).toHaveLength(1);
    expect((await get('/runs/run_none/logs')).status).toBe(404);
    expect((await get('/runs/run_none')).body).toMatchObject({ code: 'unknown_run', status: 404 });
  });
});

describe('events', () => {
  const delivery = (dedupeKey: string, rest: Partial<NewInboxRow> = {}): NewInboxRow => ({
    connectionId: 'north',
    source: 'stickycards',
    dedupeKey,
    deliveryId: dedupeKey,
    type: 'CardScannedEvent',
    occurredAt: at,
    receivedAt: at,
    customerId: 'cus_e',
    cardId: null,
    contactId: null,
    verification: 'verified',
    flags: [],
    headers: null,
    bodyHash: 'h',
    payload: '{"event":"x","data":{"n":1}}',
    ...rest,
  });

  test('the inbox shows each delivery once, its payload parsed, the rejected ones without anything personal', async () => {
    const [first] = await store.tx((db) =>
      insertDeliveries(store, db, [
        delivery('a'),
        delivery('a'),
        delivery('b', { connectionId: 'south', type: 'CardExpiredEvent', payload: 'not json' }),
        delivery('c', { customerId: 'other' }),
        delivery('d', { connectionId: '-', status: 'rejected', reason: 'signature_wrong', verification: 'failed' }),
      ]),
    );
    const id = first?.receiptId as string;
    expect((await get(`/events/${id}`)).body).toEqual({
      id,
      connection: 'north',
      source: 'stickycards',
      type: 'CardScannedEvent',
      occurredAt: at.toISOString(),
      receivedAt: at.toISOString(),
      foldedAt: null,
      status: 'RECEIVED',
      reason: null,
      flags: [],
      verification: 'verified',
      customerId: 'cus_e',
      duplicates: 1,
      payload: { event: 'x', data: { n: 1 } },
    });
    expect((await get('/events?type=CardExpiredEvent')).body.items).toMatchObject([
      { connection: 'south', payload: 'not json' },
    ]);
    expect((await get('/events?customerId=cus_e')).body.items.map((e) => e.connection)).toEqual(['south', 'north']);
    expect((await get('/events?source=ghl')).body.items).toEqual([]);
    expect((await get('/events?status=rejected')).body.items).toEqual([
      expect.objectContaining({
        connection: null,
        status: 'REJECTED',
        reason: 'signature_wrong',
        customerId: null,
        payload: null,
      }),
    ]);
    const { items, pages } = await walk('/events', 2);
    expect([pages, new Set(items.map((e) => e.id)).size]).toEqual([2, 4]);
    expect((await get('/events/evt_none')).status).toBe(404);
  });
});

describe('customers', () => {
  beforeAll(async () => {
    await addCustomers([
      {
        connectionId: 'north',
        stickycardsId: 'cus_ann',
        email: 'ann@example.com',
        mobile: '+12125550142',
        firstName: 'Ann',
        lastName: 'Bee',
        cardId: 'card_1',
        cardStatus: 'installed',
        cardInstalled: 'installed',
        loyaltyPoints: 12,
        cardInstalledDate: at,
        lastActivity: new Date(systemClock.nowMs() - 3.5 * DAY_MS),
        referralCount: 1,
        segments: ['VIP'],
        syncStatus: 'SYNCED',
      },
      { connectionId: 'north', stickycardsId: 'cus_both', firstName: 'Bo', syncStatus: 'SYNCED' },
      { connectionId: 'south', stickycardsId: 'cus_both', firstName: 'Bo', syncStatus: 'SYNCED' },
      {
        connectionId: 'south',
        stickycardsId: 'cus_failed',
        firstName: '=HYPERLINK("http://evil","x")',
        lastName: 'Ünal, "the" Great',
        email: '@sum(1)',
        mobile: '+491711234567',
        syncStatus: 'FAILED',
        syncError: { class: 'field', code: 'field', message: '422 phone: no' },
        attempts: 3,
      },
      ...Array.from({ length: 5 }, (_, i) => ({
        connectionId: i < 2 ? 'north' : 'south',
        stickycardsId: `cus_x${i}`,
        syncStatus: 'SKIPPED' as const,
        syncError: { class: 'excluded', code: i === 0 ? 'invalid_phone' : 'no_contact_info', message: 'none' },
      })),
    ]);
    await store.tx(async (db) => {
      const link = newLink(store, 'north', 'cus_ann', 'ghl_1', 'live');
      const held = (reason: string) => ({ base: 'a', revision: 1, held: { reason, value: 'b', atMs: 1 } });
      const fields = {
        email: held('identity_conflict'),
        first_name: held('refused_by_ghl'),
        last_name: held('altered_by_ghl'),
      };
      await db.insert(store.s.entityMappings).values({ ...link, fields });
      await db
        .insert(store.s.entityMappings)
        .values({ ...newLink(store, 'north', 'cus_both', 'ghl_2', 'gone'), id: 'lnk_gone' });
      const card = {
        connectionId: 'north',
        stickycardsId: 'cus_ann',
        templateId: 't',
        cardType: 'points',
        extra: {},
        createdAt: at,
        updatedAt: at,
      };
      const foldState = { stamps: {}, wallet: null, expired: false, balanceTie: false, thinAtMs: 0, readAtMs: 0 };
      await db.insert(store.s.stickyCardsCards).values([
        {
          ...card,
          cardId: 'card_1',
          installStatus: 'installed',
          installed: 'installed',
          balance: 12,
          installedAt: at,
          foldState,
        },
        { ...card, cardId: 'card_2', installStatus: 'installed', adminStatus: 'suspended', foldState },
      ]);
    });
  });

  test('a customer is shown with cards, contact, segments and days without activity', async () => {
    expect((await get('/customers/cus_ann')).body).toEqual({
      customerId: 'cus_ann',
      connection: 'north',
      email: 'ann@example.com',
      mobile: '+12125550142',
      firstName: 'Ann',
      lastName: 'Bee',
      cards: [
        {
          cardId: 'card_1',
          templateId: 't',
          cardType: 'points',
          status: 'installed',
          installed: 'installed',
          balance: 12,
          installedDate: at.toISOString(),
          issuedDate: null,
        },
        expect.objectContaining({ cardId: 'card_2', status: 'suspended', balance: null }),
      ],
      cardId: 'card_1',
      cardStatus: 'installed',
      cardInstalled: 'installed',
      loyaltyPoints: 12,
      cardInstalledDate: at.toISOString(),
      cardIssuedDate: null,
      lastActivity: expect.any(String),
      lastPurchaseDate: null,
      referralCount: 1,
      segments: ['VIP'],
      optInStatus: null,
      inactiveDays: 3,
      ghlContactId: 'ghl_1',
      paused: false,
      syncStatus: 'SYNCED',
      syncError: null,
      attempts: 0,
      nextAttemptAt: null,
    });
  });

  test('known in several connections is 409 and names them, nowhere is 404; a link that is gone shows no contact', async () => {
    const twice = await get('/customers/cus_both');
    expect(twice.status).toBe(409);
    expect(twice.body).toMatchObject({ code: 'several_connections', connections: ['north', 'south'] });
    expect((await get('/customers/cus_both?connection=north')).body).toMatchObject({
      connection: 'north',
      ghlContactId: null,
      inactiveDays: null,
    });
    expect((await get('/customers/cus_ann?connection=south')).status).toBe(404);
    expect((await get('/customers/nobody')).body).toMatchObject({ code: 'unknown_customer' });
  });

  test('all are listed over the connections in pages without gaps or repeats, and counted by status and reason', async () => {
    const { items, pages } = await walk('/customers', 3);
    expect(pages).toBe(3);
    expect(items.map((c) => `${c.connection as string}/${c.customerId as string}`)).toEqual([
      'north/cus_ann',
      'north/cus_both',
      'north/cus_x0',
      'north/cus_x1',
      'south/cus_both',
      'south/cus_failed',
      'south/cus_x2',
      'south/cus_x3',
      'south/cus_x4',
    ]);
    expect((await walk('/customers?syncStatus=SKIPPED', 2)).items).toHaveLength(5);
    expect((await walk('/customers?syncStatus=skipped&code=no_contact_info', 2)).items).toHaveLength(4);
    expect((await get('/customers?connection=south&syncStatus=FAILED')).body.items).toMatchObject([
      { customerId: 'cus_failed', syncError: { class: 'field', code: 'field', message: '422 phone: no' }, attempts: 3 },
    ]);
  });

  test.each([
    ['the whole id', 'cus_ann', ['cus_ann']],
    ['the beginning of ids', 'cus_x', ['cus_x0', 'cus_x1', 'cus_x2', 'cus_x3', 'cus_x4']],
    ['a card', 'card_2', ['cus_ann']],
    ['an e-mail in other letters', 'Ann@Example.com', ['cus_ann']],
    ['the beginning of an e-mail', 'ann@', ['cus_ann']],
    ['a phone number as people write it', '(212) 555-0142', ['cus_ann']],
    ['the last digits of a phone number', '4567', ['cus_failed']],
    ['a first name', 'ann', ['cus_ann']],
    ['a last name that is not ASCII', 'ünal', ['cus_failed']],
    ['both names', 'Ann Be', ['cus_ann']],
    ['nobody', 'zzz', []],
  ])('people are found by %s', async (_what, q, ids) => {
    const { body } = await get(`/customers?q=${encodeURIComponent(q)}`);
    expect(body.items.map((c) => c.customerId)).toEqual(ids);
  });

  test('the CSV holds everybody whom the filter finds, and no cell that a spreadsheet would run', async () => {
    const { status, headers, text } = await get('/customers?format=csv');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = text.trimEnd().split('\r\n');
    expect(lines[0]).toMatch(/^customerId,connection,syncStatus,reason,reasonText,email,mobile,/);
    expect(lines).toHaveLength(10);
    const failed = lines.find((line) => line.startsWith('cus_failed')) as string;
    expect(failed).toContain(`,'@sum(1),'+491711234567,"'=HYPERLINK(""http://evil"",""x"")","Ünal, ""the"" Great",`);
    expect(lines.find((line) => line.startsWith('cus_x0'))).toContain(
      'SKIPPED,invalid_phone,The only contact detail is',
    );
    const filtered = await get('/customers?format=csv&syncStatus=FAILED');
    expect(filtered.text.trimEnd().split('\r\n')).toHaveLength(2);
    expect((await get('/customers?format=csv&limit=4')).text.trimEnd().split('\r\n')).toHaveLength(5);
  });

  test('a retry lifts what GHL refused or altered and nothing else, and is written down', async () => {
    const { status, body } = await post('/customers/cus_ann/retry');
    expect([status, body.syncStatus, body.attempts]).toEqual([200, 'PENDING', 0]);
    const [link] = (await store.db.select().from(store.s.entityMappings)).filter(
      (row) => row.stickycardsId === 'cus_ann',
    );
    expect(
      Object.entries(link?.fields ?? {}).map(([key, field]) => [key, field.held?.reason ?? null, field.base]),
    ).toEqual([
      ['email', 'identity_conflict', 'a'],
      ['first_name', null, 'a'],
      ['last_name', null, 'a'],
    ]);
    expect(await audits('customer.retry')).toMatchObject([
      {
        actor: 'api',
        subject: 'cus_ann',
        connectionId: 'north',
        before: { syncStatus: 'SYNCED' },
        after: { syncStatus: 'PENDING' },
      },
    ]);
    expect((await post('/customers/nobody/retry')).status).toBe(404);
    expect((await post('/customers/cus_both/retry')).status).toBe(409);
  });

  test('a retry of a filter takes the failed ones unless it names another status, and counts them', async () => {
    expect((await post('/retry', { filter: { connection: 'north' } })).body).toEqual({ count: 0 });
    expect((await post('/retry', { filter: {} })).body).toEqual({ count: 1 });
    expect((await get('/customers/cus_failed')).body).toMatchObject({
      syncStatus: 'PENDING',
      attempts: 0,
      syncError: null,
    });
    expect((await post('/retry', { filter: { syncStatus: 'SKIPPED', code: 'no_contact_info' } })).body).toEqual({
      count: 4,
    });
    expect(await audits('customer.retry_all')).toHaveLength(3);
    expect(problem(await post('/retry', { filter: { colour: 'red' } }))).toMatchObject({
      status: 400,
      field: 'filter.colour',
    });
  });

  test('pausing keeps a person out of the runs until they are let in again; saying it twice is once', async () => {
    const paused = async () => {
      const rows = await store.db.select().from(store.s.stickyCardsCustomers);
      return rows.find((row) => row.stickycardsId === 'cus_ann')?.paused;
    };
    expect((await post('/customers/cus_ann/pause')).status).toBe(200);
    await post('/customers/cus_ann/pause');
    expect(await paused()).toBe(true);
    await post('/customers/cus_ann/resume');
    expect(await paused()).toBe(false);
    expect(await audits('customer.pause')).toHaveLength(1);
  });
});

describe('problems', () => {
  test('are listed with words for people and worked through', async () => {
    await store.tx(async (db) => {
      const raise = (code: string, recordId: string) => ({ code, recordId, sample: { contactId: 'c' } });
      await raiseProblems(store, db, 'north', [
        raise('identity_conflict', 'a'),
        raise('identity_conflict', 'b'),
        raise('record_failed', 'a'),
      ]);
      await raiseProblems(store, db, 'south', [raise('made_up_later', 'a')]);
    });
    const { items } = await walk('/problems?connection=north', 1);
    expect(items.map((p) => p.code)).toEqual(['record_failed', 'identity_conflict']);
    expect(items[1]).toEqual({
      id: expect.stringMatching(/^prb_/),
      connection: 'north',
      code: 'identity_conflict',
      title: 'Phone and e-mail of one customer belong to two different contacts',
      remedy: expect.stringContaining('merge them in GHL'),
      state: 'open',
      firstSeen: expect.any(String),
      lastSeen: expect.any(String),
      affected: 2,
      sample: { contactId: 'c' },
    });
    expect((await get('/problems?code=made_up_later')).body.items).toMatchObject([
      { title: expect.any(String), remedy: expect.any(String) },
    ]);
    const id = items[1]?.id as string;
    expect((await post(`/problems/${id}/acknowledge`)).body).toMatchObject({ state: 'acknowledged', affected: 2 });
    expect((await post(`/problems/${id}/resolve`)).body).toMatchObject({ state: 'resolved', affected: 0 });
    expect((await post(`/problems/${id}/resolve`)).status).toBe(200);
    expect(await audits('problem.resolved')).toHaveLength(1);
    expect(problem(await post(`/problems/${id}/acknowledge`))).toMatchObject({
      status: 409,
      detail: expect.stringContaining('opens again by itself'),
    });
    await store.tx((db) =>
      raiseProblems(store, db, 'north', [{ code: 'identity_conflict', recordId: 'b', sample: {} }]),
    );
    expect((await get(`/problems/${id}`)).body).toMatchObject({ state: 'open', affected: 1 });
    expect((await post(`/problems/${id}/ignore`)).body).toMatchObject({ state: 'ignored' });
    expect((await get('/problems?state=ignored')).body.items.map((p) => p.id)).toEqual([id]);
    expect((await post('/problems/prb_none/ignore')).status).toBe(404);
  });
});

describe('connections', () => {
  test('secrets go in and never come out, in no answer and in no error', async () => {
    const texts = [
      (await get('/connections')).text,
      (await get('/connections/north')).text,
      (await call('PATCH', '/connections/north', { ghlAccessToken: 'pit-very-secret-2', lowRating: 3 })).text,
      (
        await post('/connections', {
          name: 'east',
          ...SECRETS,
          stickyCardsWebhookSecrets: ['very-secret', 'very-secret', 'very-secret'],
        })
      ).text,
      (await post('/connections', { name: 'bad name', ...SECRETS })).text,
      (await get('/overview')).text,
    ];
    for (const text of texts) expect(text).not.toContain('very-secret');
    expect((await get('/connections/north')).body.secretsSet).toEqual(Object.keys(SECRETS));
  });

  test('a connection is set up, changed, activated, paused, taken back and removed', async () => {
    const made = await post('/connections', {
      name: 'west',
      ghlLocationId: 'loc9',
      defaultCountry: 'de',
      timeZone: 'Europe/Berlin',
      dialect: 'digitalwallet',
    });
    expect([made.status, made.headers.get('location')]).toEqual([201, '/api/connections/west']);
    expect(made.body).toMatchObject({
      id: 'west',
      mode: 'observe',
      dialect: 'digitalwallet',
      ghlLocationId: 'loc9',
      stickyCardsApiBaseUrl: 'https://api.digitalwallet.cards/api/v2',
      defaultCountry: 'DE',
      timeZone: 'Europe/Berlin',
      pipelineId: null,
      stageId: null,
      paused: [],
      state: 'ready',
      reason: null,
      activatedAt: null,
      secretsSet: [],
    });
    // In force for the receivers as soon as it is answered.
    expect(registry.get('west')?.mode).toBe('observe');
    expect(
      (await call('PATCH', '/connections/west', { pipelineId: 'p', stageId: 's', ghlAccessToken: null })).body,
    ).toMatchObject({ pipelineId: 'p', stageId: 's' });
    expect((await post('/connections/west/activate')).body).toMatchObject({
      mode: 'live',
      activatedAt: expect.any(String),
    });
    expect((await post('/connections/west/pause', { direction: 'ghl_to_stickycards' })).body).toMatchObject({
      state: 'ready',
      paused: ['ghl_to_stickycards'],
    });
    expect((await post('/connections/west/pause')).body).toMatchObject({ state: 'paused', reason: 'paused by api' });
    expect((await post('/connections/west/resume')).body).toMatchObject({ state: 'ready', paused: [] });
    expect((await post('/connections/west/observe')).body).toMatchObject({ mode: 'observe' });
    expect((await call('DELETE', '/connections/west')).status).toBe(204);
    expect((await get('/connections/west')).status).toBe(404);
    expect(registry.get('west')).toBeUndefined();
  });

  test('what cannot be is refused with the field and the remedy', async () => {
    expect(problem(await post('/connections', {}))).toMatchObject({ status: 400, field: 'name' });
    expect(problem(await post('/connections', { name: 'x', mode: 'live' }))).toMatchObject({
      status: 400,
      field: 'mode',
      detail: expect.stringContaining('activate'),
    });
    expect(problem(await call('PATCH', '/connections/north', { dialect: 'klingon' }))).toMatchObject({
      status: 400,
      field: 'dialect',
      detail: expect.stringContaining('report'),
    });
    expect(problem(await call('PATCH', '/connections/north', { timeZone: 'Mars/Base' }))).toMatchObject({
      status: 400,
      field: 'timeZone',
    });
    expect(problem(await call('PATCH', '/connections/north', { ghlApiBaseUrl: 'ftp://x' }))).toMatchObject({
      status: 400,
      field: 'ghlApiBaseUrl',
    });
    expect((await post('/connections', { name: 'north' })).status).toBe(409);
    expect((await post('/connections', { name: 'other', ghlLocationId: 'loc1' })).body).toMatchObject({
      code: 'location_taken',
    });
    expect((await call('PATCH', '/connections/nowhere', {})).status).toBe(404);
  });

  test('they are listed in pages', async () => {
    const { items, pages } = await walk('/connections', 1);
    expect([pages, items.map((c) => c.id)]).toEqual([3, ['north', 'resting', 'south']]);
  });
});

test('the overview says of every connection whether it keeps up', async () => {
  const { body } = await get('/overview');
  expect(body.nextCursor).toBeNull();
  expect(body.items.map((c) => c.id)).toEqual(['north', 'resting', 'south']);
  expect(body.items[0]).toEqual({
    id: 'north',
    mode: 'live',
    state: 'ready',
    reason: null,
    paused: [],
    lagSeconds: expect.any(Number),
    pending: 2,
    inSync: 1,
    excluded: 1,
    failing: 0,
    budget: { usedToday: 0, perDay: 200_000 },
    lastRun: expect.objectContaining({ connection: 'north', trigger: 'manual' }),
  });
  expect(body.items[1]).toMatchObject({ state: 'paused', lagSeconds: null, pending: 0 });
  expect((body.items[0] as { lagSeconds: number }).lagSeconds).toBeGreaterThan(3600);
});

describe('every list', () => {
  test.each(['/overview', '/connections', '/runs', '/logs', '/events', '/customers', '/commands', '/problems'])(
    'GET %s takes limit, cursor and connection, and means them',
    async (path) => {
      // The lag grows while the list is asked again.
      const steady = (items: Record<string, unknown>[]) =>
        items.map((item) => ('lagSeconds' in item ? { ...item, lagSeconds: typeof item.lagSeconds } : item));
      const whole = steady((await get(`${path}?limit=200`)).body.items);
      const of = (item: Record<string, unknown>) => item.connection ?? item.id;
      expect(steady((await get(`${path}?limit=1`)).body.items)).toEqual(whole.slice(0, 1));
      expect(steady((await walk(path, 1)).items)).toEqual(whole);
      const south = steady((await walk(`${path}?connection=south`, 1)).items);
      expect(south).toEqual(whole.filter((item) => of(item) === 'south'));
      expect((await get(`${path}?connection=nowhere`)).body).toEqual({ items: [], nextCursor: null });
    },
  );

  test("the logs of a run are one connection's; the overview without a limit is whole", async () => {
    const [log] = (await get('/logs?connection=north&limit=1')).body.items;
    const count = async (query: string) => (await get(`/runs/${log?.runId as string}/logs${query}`)).body.items.length;
    expect(await count('?connection=north')).toBe(7);
    expect(await count('?connection=south')).toBe(0);
    expect((await get('/overview')).body).toMatchObject({ nextCursor: null, items: [{}, {}, {}] });
  });
});

describe('what is not understood is refused, never passed over', () => {
  test.each([
    '/overview',
    '/runs',
    '/logs',
    '/events',
    '/events/evt_1',
    '/customers',
    '/customers/cus_ann',
    '/problems',
    '/connections',
    '/connections/north',
  ])('GET %s refuses a parameter that it does not know', async (path) => {
    const answer = problem(await get(`${path}?colour=red`));
    expect(answer).toMatchObject({
      status: 400,
      type: expect.stringContaining('application/problem+json'),
      field: 'colour',
    });
    expect(answer.detail).toContain('take it out');
  });

  test.each([
    ['/runs?limit=0', 'limit'],
    ['/runs?limit=ten', 'limit'],
    ['/runs?limit=1&limit=2', 'limit'],
    ['/runs?cursor=nonsense', 'cursor'],
    [`/runs?cursor=${Buffer.from('evt_1').toString('base64url')}`, 'cursor'],
    ['/runs?status=done', 'status'],
    ['/customers?syncStatus=FINE', 'syncStatus'],
    ['/customers?format=xml', 'format'],
    ['/customers?q=', 'q'],
    ['/problems?state=bad', 'state'],
  ])('GET %s names %s', async (path, field) => {
    expect(problem(await get(path))).toMatchObject({ status: 400, field });
  });

  test.each([
    ['/runs', { connections: ['north'] }, 'connections'],
    ['/runs', { wait: 'yes' }, 'wait'],
    ['/runs', { direction: 'sideways' }, 'direction'],
    ['/runs?wait=true', {}, 'wait'],
    ['/customers/cus_ann/retry', { all: true }, 'all'],
    ['/problems/prb_1/resolve', { why: 'x' }, 'why'],
    ['/connections/north/activate', { now: true }, 'now'],
    ['/connections/north/pause', { direction: 'both' }, 'direction'],
  ])('POST %s %j names %s', async (path, body, field) => {
    expect(problem(await post(path, body))).toMatchObject({ status: 400, field });
  });

  test('a body counts whatever its content type says; one that is not JSON is refused', async () => {
    const send = (body: string) =>
      fetch(`${url}/api/runs`, { method: 'POST', body, headers: { 'content-type': 'text/plain' } });
    expect((await send('{"connection":"nowhere"}')).status).toBe(404);
    expect((await send('wait=true')).status).toBe(400);
    expect((await post('/runs', [1])).status).toBe(400);
  });
});
