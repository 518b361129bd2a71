import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { asc } from 'drizzle-orm';
import { createCore } from '../../src/core.ts';
import { runCli } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { silentLogger } from '../../src/log.ts';
import { insertDeliveries } from '../../src/store/inbox.ts';
import { writeLogs } from '../../src/store/runs.ts';
import { openStore, type Store } from '../../src/store/store.ts';

let folder: string;
let config: Config;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  config = loadConfig(
    {
      DATABASE_URL: `file:${join(folder, 'sync.db')}`,
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      ADMIN_TOKEN: randomBytes(24).toString('base64url'),
      ADMIN_PASSWORD: randomBytes(24).toString('base64url'),
      SANDBOX: '0',
      STICKY_CARDS_API_BASE_URL: 'http://127.0.0.1:9',
      STICKY_CARDS_API_KEY: 'sk_live_abcdefgh',
      STICKY_CARDS_WEBHOOK_SECRET: 'whsec_abcdefghijklmnop',
    },
    folder,
  );
  config = { ...config, defaultConnection: null };
});

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    config: () => config,
  };
  const code = await runCli(args, io);
  return { code, out, err };
}

async function inStore<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(config.databaseUrl, systemClock);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const person = (store: Store) =>
  store.db
    .select({ id: store.s.stickyCardsCustomers.stickycardsId, email: store.s.stickyCardsCustomers.email })
    .from(store.s.stickyCardsCustomers);

const receive = (key: string, connectionId = 'north') =>
  inStore((store) =>
    store.tx((db) =>
      insertDeliveries(store, db, [
        {
          connectionId,
          source: 'stickycards',
          dedupeKey: key,
          deliveryId: key,
          type: 'CustomerCreatedEvent',
          occurredAt: systemClock.now(),
          receivedAt: systemClock.now(),
          customerId: 'cus_1',
          cardId: null,
          contactId: null,
          verification: 'verified',
          flags: [],
          headers: null,
          bodyHash: 'h',
          payload: JSON.stringify({
            event_type: 'CustomerCreatedEvent',
            timestamp: 1_772_000_000,
            customer_id: 'cus_1',
            email: 'ann@example.com',
          }),
        },
      ]),
    ),
  );

describe('what is typed', () => {
  test('help shows every command with examples and is no failure', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    for (const name of ['serve', 'migrate', 'sync', 'runs', 'logs', 'commands', 'rebuild', 'connections', 'activate'])
      expect(out).toContain(name);
    for (const command of [
      ['sync'],
      ['runs'],
      ['logs'],
      ['commands', 'resend'],
      ['rebuild'],
      ['serve'],
      ['migrate'],
      ['activate'],
      ['connections', 'rebind'],
    ]) {
      expect((await cli(...command, '--help')).out).toMatch(/Examples:\n {2}\$ sticky-ghl /);
    }
  });

  test.each([
    [['frobnicate'], 'frobnicate'],
    [['runs', '--limit', '0'], '--limit'],
    [['customers', '--limit', 'many'], '--limit'],
    [['runs', '--status', 'done'], 'Allowed choices'],
    [['rebuild'], 'connection'],
    [['runs', '--cursor', 'zzz'], '--cursor'],
    [['connections', 'add', 'x', '--set', 'colour=red'], 'colour'],
    [['connections', 'add', 'x', '--set', 'lowRating=much'], 'lowRating'],
    [['connections', 'add', 'bad name'], 'name'],
  ])('%j is answered with 2 and says what is wrong', async (args, word) => {
    const { code, out, err } = await cli(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(word);
  });

  test('what fails is answered with 1 and one line', async () => {
    const answers = [
      await cli('connections', 'pause', 'nowhere'),
      await cli('rebuild', 'nowhere'),
      await cli('runs', 'run_none'),
      await cli('sync'),
    ];
    for (const { code, err } of answers) {
      expect(code).toBe(1);
      expect(err.trimEnd().split('\n')).toHaveLength(1);
      expect(err).not.toContain('    at ');
    }
  });
});

describe('connections', () => {
  test('are added, changed, switched and listed; secrets never come out', async () => {
    const file = join(folder, 'secrets.json');
    writeFileSync(
      file,
      JSON.stringify({ ghlAccessToken: 'pit-very-secret', stickyCardsWebhookSecrets: ['very-secret-1'] }),
    );
    const added = await cli(
      'connections',
      'add',
      'north',
      '--file',
      file,
      '--set',
      'ghlLocationId=loc1',
      '--set',
      'test=true',
      '--json',
    );
    expect(added.code).toBe(0);
    expect(JSON.parse(added.out)).toMatchObject({
      id: 'north',
      mode: 'observe',
      ghlLocationId: 'loc1',
      test: true,
      secretsSet: ['ghlAccessToken', 'stickyCardsWebhookSecrets'],
    });
    expect((await cli('connections', 'add', 'north')).code).toBe(1);
    const set = await cli('connections', 'set', 'north', '--set', 'defaultCountry=de', '--set', 'pipelineId=');
    expect([set.code, set.err]).toEqual([0, '']);
    expect(set.out).toMatch(/defaultCountry +DE\n/);
    expect((await cli('activate', 'north')).out).toContain('north is live');
    expect((await cli('connections', 'pause', 'north', '--direction', 'stickycards_to_ghl')).code).toBe(0);
    const list = await cli('connections', 'list');
    expect(list.out).toMatch(/^CONNECTION +MODE/);
    expect(list.out).toMatch(/\nnorth +live +ready +report +loc1 +stickycards_to_ghl\n/);
    await cli('connections', 'resume', 'north');
    await cli('connections', 'observe', 'north');
    expect((await cli('connections', 'rebind', 'north', '--keep-links')).out).toContain('links stay');
    const json = await cli('connections', 'list', '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      items: [{ id: 'north', mode: 'observe', paused: [] }],
      nextCursor: null,
    });
    for (const { out, err } of [added, set, list, json]) expect(out + err).not.toContain('very-secret');
  });
});

describe('runs', () => {
  test('a sync happens here when no service runs, folds what arrived, and is listed with its reason', async () => {
    await cli('connections', 'add', 'north');
    await receive('d1');
    const sync = await cli('sync', '--json');
    expect([sync.code, sync.err]).toEqual([0, '']);
    const [run] = (JSON.parse(sync.out) as { runs: { id: string }[] }).runs;
    expect(run).toMatchObject({
      connection: 'north',
      trigger: 'manual',
      status: 'completed',
      lastError: expect.stringContaining('observe'),
    });
    expect(await inStore(person)).toEqual([{ id: 'cus_1', email: 'ann@example.com' }]);
    expect((await cli('runs')).out).toContain(run?.id);
    expect((await cli('runs', run?.id as string)).out).toMatch(/status +completed\n/);
    expect((await cli('runs', '--status', 'failed')).out).toBe('No runs.\n');
    await cli('sync');
    const first = JSON.parse((await cli('runs', '--limit', '1', '--json')).out) as {
      items: { id: string }[];
      nextCursor: string;
    };
    const second = JSON.parse(
      (await cli('runs', '--limit', '1', '--json', '--cursor', first.nextCursor)).out,
    ) as typeof first;
    expect([second.items[0]?.id, second.nextCursor]).toEqual([run?.id, null]);
    await cli('sync', '-c', 'nowhere');
    const audits = await inStore(({ db, s }) => db.select().from(s.syncAuditLogs).orderBy(asc(s.syncAuditLogs.id)));
    const start = {
      actor: 'cli',
      action: 'run.start',
      subject: 'north',
      after: { direction: 'both', trigger: 'manual' },
    };
    expect(audits.slice(1)).toMatchObject([start, start]);
  });

  test('a running service performs the sync and the rebuild: its lease stays with it', async () => {
    await cli('connections', 'add', 'north');
    const service = await createCore(config, { log: silentLogger });
    try {
      await service.begin();
      await receive('d1');
      const holder = async () => (await service.store.db.select().from(service.store.s.leases))[0]?.holder;
      const before = await holder();
      expect((await cli('sync', '-c', 'north')).code).toBe(0);
      expect(await person(service.store)).toHaveLength(1);
      await service.store.tx((db) => db.update(service.store.s.stickyCardsCustomers).set({ email: 'wrong' }));
      expect(await cli('rebuild', 'north')).toEqual({ code: 0, out: 'north was rebuilt.\n', err: '' });
      expect(await person(service.store)).toEqual([{ id: 'cus_1', email: 'ann@example.com' }]);
      expect(await holder()).toBe(before);
    } finally {
      await service.close();
    }
  });

  test('a rebuild happens here when no service runs', async () => {
    await cli('connections', 'add', 'north');
    await receive('d1');
    await cli('sync');
    await inStore((store) => store.tx((db) => db.update(store.s.stickyCardsCustomers).set({ email: 'wrong' })));
    expect(await cli('rebuild', 'north')).toEqual({ code: 0, out: 'north was rebuilt.\n', err: '' });
    expect(await inStore(person)).toEqual([{ id: 'cus_1', email: 'ann@example.com' }]);
  });

  test('logs are shown as before → after, and nothing in them steers the terminal', async () => {
    await cli('connections', 'add', 'north');
    await inStore((store) =>
      store.tx((db) =>
        writeLogs(store, db, [
          {
            runId: 'run_1',
            connectionId: 'north',
            entityType: 'customer',
            entityId: 'cus_1',
            customerId: 'cus_1',
            contactId: null,
            direction: 'stickycards_to_ghl',
            action: 'update',
            status: 'success',
            errorClass: null,
            errorCode: null,
            errorMessage: null,
            changes: [{ field: 'first_name', before: null, after: 'A\u001b[2Jnn' }],
            tagsAdded: ['card holder'],
            tagsRemoved: [],
            traceId: null,
            attempt: 1,
            nextAttemptAt: null,
            durationMs: 1,
          },
        ]),
      ),
    );
    const { out } = await cli('logs', '--run', 'run_1');
    expect(out).toContain('first_name (empty) → A [2Jnn, +card holder');
    expect(out).not.toContain('\u001b');
    expect(JSON.parse((await cli('logs', '--json', '--customer', 'cus_1')).out)).toMatchObject({
      items: [{ entityId: 'cus_1', tagsAdded: ['card holder'] }],
    });
  });

  test('migrate says that all is well', async () => {
    expect(await cli('migrate')).toEqual({ code: 0, out: 'The database is up to date.\n', err: '' });
  });
});
