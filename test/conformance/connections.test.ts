import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { silentLogger } from '../../src/log.ts';
import { purgeConnection } from '../../src/store/connectionPurge.ts';
import { keysInUse, resealSecrets } from '../../src/store/connectionKeys.ts';
import { createConnectionRegistry } from '../../src/store/connectionRegistry.ts';
import { type ConnectionStore, createConnectionStore } from '../../src/store/connections.ts';
import { leaseOf, removedConnections, takeLease, thisProcess } from '../../src/store/leases.ts';
import { raiseProblems } from '../../src/store/problems.ts';
import { createSecretBox } from '../../src/store/secrets.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const key = { version: 1, key: randomBytes(32) };
const box = createSecretBox([key]);

const given = {
  stickyCardsApiBaseUrl: 'https://api.cards.example',
  stickyCardsApiKey: 'sk_live_1',
  stickyCardsWebhookSecrets: ['wh-1'],
  ghlLocationId: 'loc1',
  ghlAccessToken: 'pit-1',
};

describe.each(Object.entries(databases))('connections on %s', (_name, newDatabase) => {
  let url: string;
  let store: Store;
  let connections: ConnectionStore;
  let asked: string[];
  let stillAnswer: boolean;

  beforeEach(async () => {
    url = await newDatabase();
    store = await openStore(url, systemClock);
    asked = [];
    stillAnswer = false;
    connections = createConnectionStore(store, box, {
      threeLinkedStillAnswer: (connection) => {
        asked.push(connection.stickyCards.apiKey ?? '');
        return Promise.resolve(stillAnswer);
      },
    });
  });
  afterEach(() => store.close());

  const link = () =>
    store.tx(async (db) => {
      const now = systemClock.now();
      await db.insert(store.s.entityMappings).values({
        id: 'lnk_1',
        connectionId: 'default',
        entityType: 'customer',
        stickycardsId: 'c1',
        ghlId: 'g1',
        state: 'live',
        fields: {},
        tags: { base: [], off: {} },
        cardId: null,
        metadata: {},
        createdAt: now,
        updatedAt: now,
      });
    });
  const audits = async () =>
    (await store.db.select().from(store.s.syncAuditLogs)).toSorted((a, b) => (a.id < b.id ? -1 : 1));

  test('a connection comes back as it went in; its secrets are nowhere in the clear', async () => {
    const made = await connections.create('north', { ...given, lowRating: 3, test: true }, 'anna');
    expect(await connections.get('north')).toEqual(made);
    expect(made).toMatchObject({
      id: 'north',
      mode: 'observe',
      state: 'ready',
      activatedAt: null,
      dialect: 'report',
      lowRating: 3,
      test: true,
      defaultCountry: 'US',
      ghl: { locationId: 'loc1', accessToken: 'pit-1', workflowKey: null },
      stickyCards: { apiKey: 'sk_live_1', webhookSecrets: ['wh-1'], webhookMode: 'enforce' },
      createCustomers: 'all',
    });
    const row = JSON.stringify(await store.db.select().from(store.s.connections));
    const log = JSON.stringify(await audits());
    for (const secret of ['sk_live_1', 'wh-1', 'pit-1']) {
      expect(row).not.toContain(secret);
      expect(log).not.toContain(secret);
    }
  });

  test('a patch changes what it names, empties what is null, and is logged with before and after', async () => {
    await connections.create('north', given, 'anna');
    const patched = await connections.patch(
      'north',
      { defaultCountry: 'DE', stickyCardsWebhookSecrets: ['wh-2', 'wh-1'], ghlAccessToken: null },
      'bert',
    );
    expect(patched.defaultCountry).toBe('DE');
    expect(patched.stickyCards).toMatchObject({ apiKey: 'sk_live_1', webhookSecrets: ['wh-2', 'wh-1'] });
    expect(patched.ghl.accessToken).toBeNull();
    expect((await audits()).at(-1)).toMatchObject({
      actor: 'bert',
      action: 'connection.patch',
      connectionId: 'north',
      before: { defaultCountry: 'US', stickyCardsWebhookSecrets: '(set)', ghlAccessToken: '(set)' },
      after: { defaultCountry: 'DE', stickyCardsWebhookSecrets: '(set)', ghlAccessToken: '(empty)' },
    });
  });

  test('a patch that changes nothing writes nothing', async () => {
    const made = await connections.create('north', given, 'anna');
    expect(await connections.patch('north', given, 'anna')).toEqual(made);
    expect(await audits()).toHaveLength(1);
  });

  test('refusals: a bad name, a taken name, a location that another connection has, a name that nobody has', async () => {
    await connections.create('north', given, 'anna');
    const failure = (promise: Promise<unknown>) => promise.then(() => 'none', code);
    expect(await failure(connections.create('no spaces', {}, 'anna'))).toBe('invalid_name');
    expect(await failure(connections.create('push', {}, 'anna'))).toBe('invalid_name');
    expect(await failure(connections.create('north', {}, 'anna'))).toBe('connection_exists');
    expect(await failure(connections.create('south', { ghlLocationId: 'loc1' }, 'anna'))).toBe('location_taken');
    await connections.create('south', {}, 'anna');
    expect(await failure(connections.patch('south', { ghlLocationId: 'loc1' }, 'anna'))).toBe('location_taken');
    expect(await failure(connections.patch('west', {}, 'anna'))).toBe('unknown_connection');
  });

  test('live sets the time of activation once; observe keeps it; live again sets it anew', async () => {
    await connections.create('north', given, 'anna');
    const live = await connections.setMode('north', 'live', 'anna');
    expect(live.activatedAt).toBeInstanceOf(Date);
    expect(await connections.setMode('north', 'live', 'anna')).toEqual(live);
    const observe = await connections.setMode('north', 'observe', 'anna');
    expect(observe).toMatchObject({ mode: 'observe', activatedAt: live.activatedAt });
    await systemClock.sleep(2);
    const again = await connections.setMode('north', 'live', 'anna');
    expect(again.activatedAt?.getTime()).toBeGreaterThan(live.activatedAt?.getTime() as number);
    expect((await audits()).map((a) => a.action)).toEqual([
      'connection.create',
      'connection.activate',
      'connection.observe',
      'connection.activate',
    ]);
  });

  test('pause and resume, a direction or all of it', async () => {
    await connections.create('north', given, 'anna');
    const one = await connections.pause('north', 'anna', 'stickycards_to_ghl');
    expect(one).toMatchObject({ state: 'ready', pausedDirections: ['stickycards_to_ghl'] });
    expect(await connections.pause('north', 'anna')).toMatchObject({ state: 'paused', reason: 'paused by anna' });
    expect(await connections.resume('north', 'anna', 'stickycards_to_ghl')).toMatchObject({
      state: 'paused',
      pausedDirections: [],
    });
    expect(await connections.resume('north', 'anna')).toMatchObject({ state: 'ready', reason: null });
  });

  const code = (error: unknown) => (error as { code?: string }).code;
  const codesOf = async (changes: Promise<unknown>[]) =>
    (await Promise.allSettled(changes))
      .map((c) => (c.status === 'fulfilled' ? 'done' : String(code(c.reason))))
      .toSorted((a, b) => (a < b ? -1 : 1));

  test('of twelve who connect one location at the same moment, one does', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `n${i}`);
    const all = names.map((name) => connections.create(name, { ghlLocationId: 'loc1' }, 'anna'));
    expect(await codesOf(all)).toEqual(['done', ...Array.from({ length: 11 }, () => 'location_taken')]);
    expect(await connections.all()).toHaveLength(1);
  });

  test('of two that move to one location at the same moment, one does; given up, it is free again', async () => {
    await connections.create('north', {}, 'anna');
    await connections.create('south', {}, 'anna');
    const move = (name: string) => connections.patch(name, { ghlLocationId: 'loc1' }, 'anna');
    expect(await codesOf([move('north'), move('south')])).toEqual(['done', 'location_taken']);
    const holder = (await connections.all()).find((c) => c.ghl.locationId === 'loc1')?.id as string;
    await connections.patch(holder, { ghlLocationId: null }, 'anna');
    await move(holder === 'north' ? 'south' : 'north');
  });

  test('of several who make a connection of one name at the same moment, one does', async () => {
    const all = Array.from({ length: 4 }, () => connections.create('north', { ghlLocationId: 'loc1' }, 'anna'));
    const codes = await codesOf(all);
    expect(codes.filter((each) => each === 'done')).toHaveLength(1);
    expect(await connections.all()).toHaveLength(1);
  });

  test('what is asked of a connection at the same moment all happens', async () => {
    await connections.create('north', given, 'anna');
    const patches = Array.from({ length: 8 }, (_, i) => connections.patch('north', { pipelineId: `p${i}` }, `a${i}`));
    const codes = await codesOf([
      connections.pause('north', 'anna'),
      connections.pause('north', 'bert', 'stickycards_to_ghl'),
      connections.pauseAll('carl'),
      connections.setMode('north', 'live', 'dora'),
      connections.rememberCursor('north', 'poll', { atMs: 5 }),
      connections.patch('north', { lowRating: 4 }, 'emma'),
      ...patches,
    ]);
    expect(new Set(codes)).toEqual(new Set(['done']));
    expect(await connections.get('north')).toMatchObject({
      state: 'paused',
      mode: 'live',
      pausedDirections: ['ghl_to_stickycards', 'stickycards_to_ghl'],
      lowRating: 4,
      cursors: { poll: { atMs: 5 }, pausedBeforeAll: expect.any(Array) },
    });
  });

  describe('default, from the environment', () => {
    test('is made in START_MODE once; later starts change what the environment sets and leave the rest', async () => {
      const first = await connections.ensureDefault(given, 'live');
      expect(first).toMatchObject({ id: 'default', mode: 'live' });
      expect(first.activatedAt).toBeInstanceOf(Date);
      await connections.patch('default', { lowRating: 4, defaultCountry: 'FR' }, 'anna');
      const second = await connections.ensureDefault({ ...given, defaultCountry: 'DE' }, 'observe');
      expect(second).toMatchObject({ mode: 'live', lowRating: 4, defaultCountry: 'DE' });
      const rows = (await audits()).length;
      await connections.ensureDefault({ ...given, defaultCountry: 'DE' }, 'observe');
      expect(await audits()).toHaveLength(rows);
    });

    test('another location under existing links pauses it with one line, until it is put back', async () => {
      await connections.ensureDefault(given, 'live');
      await link();
      stillAnswer = true;
      const moved = await connections.ensureDefault({ ...given, ghlLocationId: 'loc2' }, 'live');
      expect(moved.state).toBe('fingerprint');
      expect(moved.reason).toMatch(/^the GHL location changed .*rebind default/);
      expect(asked).toEqual([]);
      await expect(connections.resume('default', 'anna')).rejects.toMatchObject({ code: 'fingerprint_changed' });
      expect(await connections.ensureDefault(given, 'live')).toMatchObject({ state: 'ready', reason: null });
    });

    test('a new key is accepted when linked customers still answer under it, else it pauses', async () => {
      await connections.ensureDefault(given, 'live');
      await link();
      const refused = await connections.ensureDefault({ ...given, stickyCardsApiKey: 'sk_live_2' }, 'live');
      expect(asked).toEqual(['sk_live_2']);
      expect(refused).toMatchObject({ state: 'fingerprint', stickyCards: { apiKey: 'sk_live_2' } });
      stillAnswer = true;
      const accepted = await connections.ensureDefault({ ...given, stickyCardsApiKey: 'sk_live_2' }, 'live');
      expect(accepted.state).toBe('ready');
      stillAnswer = false;
      expect(await connections.ensureDefault({ ...given, stickyCardsApiKey: 'sk_live_2' }, 'live')).toMatchObject({
        state: 'ready',
      });
      expect(asked).toHaveLength(2);
    });

    test.each<[string, () => Promise<unknown>]>([
      ['put back', () => connections.patch('default', { ghlLocationId: 'loc1' }, 'anna')],
      ['bound anew', () => connections.rebind('default', { keepLinks: false }, 'anna')],
      ['bound anew with its links', () => connections.rebind('default', { keepLinks: true }, 'anna')],
    ])(
      "a person's pause outlasts what points elsewhere: %s, it is paused until somebody resumes it",
      async (_, settle) => {
        const wrong = { ghlLocationId: 'loc2' };
        for (const pausedFirst of [true, false]) {
          await connections.ensureDefault(given, 'live');
          await link();
          if (pausedFirst) await connections.pause('default', 'bert');
          expect(await connections.patch('default', wrong, 'anna')).toMatchObject({ state: 'fingerprint' });
          expect(await connections.pause('default', 'bert')).toMatchObject({
            state: 'fingerprint',
            reason: expect.stringMatching(/^the GHL location changed .*\(paused by bert: it stays so after that\)$/),
          });
          await settle();
          expect(await connections.get('default')).toMatchObject({ state: 'paused', reason: 'paused by bert' });
          expect(await connections.resume('default', 'bert')).toMatchObject({ state: 'ready', reason: null });
          await connections.patch('default', { lowRating: 4 }, 'anna');
          expect(await connections.get('default')).toMatchObject({ state: 'ready', reason: null });
          await connections.remove('default', 'anna');
          await purgeConnection(store, 'default');
        }
      },
    );

    test('without links a change harms nobody and is taken', async () => {
      await connections.ensureDefault(given, 'live');
      expect(await connections.ensureDefault({ ...given, ghlLocationId: 'loc2' }, 'live')).toMatchObject({
        state: 'ready',
        fingerprint: { ghlLocationId: 'loc2' },
      });
    });

    test.each([
      [true, 1],
      [false, 0],
    ])('rebind (keepLinks %s) accepts what it points at now', async (keepLinks, links) => {
      await connections.ensureDefault(given, 'live');
      await link();
      await connections.ensureDefault({ ...given, ghlLocationId: 'loc2' }, 'live');
      const bound = await connections.rebind('default', { keepLinks }, 'anna');
      expect(bound).toMatchObject({ state: 'ready', reason: null, fingerprint: { ghlLocationId: 'loc2' } });
      expect(await store.db.select().from(store.s.entityMappings)).toHaveLength(links);
      expect(await connections.ensureDefault({ ...given, ghlLocationId: 'loc2' }, 'live')).toMatchObject({
        state: 'ready',
      });
    });
  });

  test('a removed connection takes its links and problems with it; a neighbour keeps its own', async () => {
    for (const name of ['default', 'south']) {
      await connections.create(name, { ...given, ghlLocationId: name }, 'anna');
      await store.tx((db) =>
        raiseProblems(store, db, name, [{ code: 'command_failed', recordId: `${name}-1`, sample: {} }]),
      );
    }
    await link();
    await connections.remove('default', 'anna');
    expect(await removedConnections(store)).toEqual(['default']);
    await purgeConnection(store, 'default');
    expect(await removedConnections(store)).toEqual([]);
    expect(await store.db.select().from(store.s.entityMappings)).toEqual([]);
    expect((await store.db.select().from(store.s.problems)).map((row) => row.connectionId)).toEqual(['south']);
    expect((await store.db.select().from(store.s.problemRecords)).map((row) => row.recordId)).toEqual(['south-1']);
  });

  test('the name of a removed connection is not given away while somebody still works on it', async () => {
    await connections.create('default', given, 'anna');
    const elsewhere = thisProcess('ins_elsewhere');
    expect(await takeLease(store, 'default', elsewhere)).toBe(true);
    await connections.remove('default', 'anna');
    expect((await leaseOf(store, 'default'))?.holder).toBe('ins_elsewhere');
    await expect(connections.create('default', given, 'anna')).rejects.toMatchObject({ code: 'connection_removing' });
    await purgeConnection(store, 'default');
    await connections.create('default', given, 'anna');
  });

  test('the data of an interrupted removal is not found by a later connection of the same name', async () => {
    await connections.create('default', given, 'anna');
    await link();
    await connections.remove('default', 'anna');
    expect(await connections.get('default')).toBeNull();
    await connections.create('default', given, 'anna');
    expect(await store.db.select().from(store.s.entityMappings)).toEqual([]);
    expect((await audits()).map((a) => a.action)).toEqual([
      'connection.create',
      'connection.remove',
      'connection.create',
    ]);
  });

  test('location facts and cursors survive; another location drops the facts', async () => {
    await connections.create('north', given, 'anna');
    const facts = { timeZone: 'Europe/Berlin', allowDuplicateContact: false, fieldIds: { card_id: 'f1' }, readAtMs: 1 };
    await connections.rememberLocation('north', facts);
    await connections.rememberCursor('north', 'poll', { atMs: 5 });
    await connections.rememberCursor('north', 'pages', 'x');
    await connections.rememberCursor('north', 'pages', undefined);
    expect(await connections.get('north')).toMatchObject({ location: facts, cursors: { poll: { atMs: 5 } } });
    const keyless = createConnectionStore(store, createSecretBox([{ version: 9, key: Buffer.alloc(32, 9) }]));
    expect(await keyless.remembered('north')).toEqual({ location: facts, cursors: { poll: { atMs: 5 } } });
    expect(await keyless.remembered('nobody')).toBeNull();
    expect((await connections.patch('north', { ghlLocationId: 'loc9' }, 'anna')).location).toBeNull();
  });

  test('rotation: both keys open, the new one seals, then the old one is not needed', async () => {
    await connections.create('north', given, 'anna');
    const next = { version: 2, key: randomBytes(32) };
    const bothKeys = createSecretBox([next, key]);
    const both = createConnectionStore(store, bothKeys);
    expect((await both.get('north'))?.stickyCards.apiKey).toBe('sk_live_1');
    expect(await resealSecrets(store, bothKeys, 'anna')).toEqual({ changed: ['north'], unchanged: [], failed: [] });
    expect(await resealSecrets(store, bothKeys, 'anna')).toMatchObject({ changed: [], unchanged: ['north'] });
    expect([...(await keysInUse(store)).keys()]).toEqual(['v2']);
    const alone = createConnectionStore(store, createSecretBox([next]));
    expect((await alone.get('north'))?.ghl.accessToken).toBe('pit-1');
    await expect(connections.get('north')).rejects.toThrow(/^ENCRYPTION_KEY: .*"north"/);
  });

  test('a sealed secret opens only under its own connection and name', () => {
    const sealed = box.seal('north', 'stickyCardsApiKey', 'sk');
    expect(sealed).toMatch(/^v1:[\w-]+:[\w-]+:[\w-]+$/);
    expect(box.open('north', 'stickyCardsApiKey', sealed)).toBe('sk');
    expect(() => box.open('south', 'stickyCardsApiKey', sealed)).toThrow(/ENCRYPTION_KEY/);
    expect(() => box.open('north', 'ghlAccessToken', sealed)).toThrow(/ENCRYPTION_KEY/);
    const parts = sealed.split(':');
    parts[3] = `${parts[3]?.startsWith('A') ? 'B' : 'A'}${parts[3]?.slice(1)}`;
    expect(() => box.open('north', 'stickyCardsApiKey', parts.join(':'))).toThrow(/ENCRYPTION_KEY/);
  });

  test('the registry sees its own changes at once and those of another instance', async () => {
    await connections.create('north', given, 'anna');
    const registry = await createConnectionRegistry(connections, silentLogger);
    try {
      expect(registry.get('north')?.lowRating).toBe(2);
      expect(registry.byLocation('loc1')?.id).toBe('north');
      await connections.patch('north', { lowRating: 4 }, 'anna');
      await registry.refresh();
      expect(registry.get('north')?.lowRating).toBe(4);

      const elsewhere = await openStore(url, systemClock);
      const other = createConnectionStore(elsewhere, box);
      const before = await connections.changeMark();
      await other.patch('north', { lowRating: 5 }, 'bert');
      await elsewhere.close();
      expect(await connections.changeMark()).not.toBe(before);
      while (registry.get('north')?.lowRating !== 5) await systemClock.sleep(20);
      expect(registry.all().map((c) => c.id)).toEqual(['north']);
    } finally {
      registry.close();
    }
  });
});
