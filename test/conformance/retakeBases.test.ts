// Links that lose their bases when a connection goes live again (SPEC §1), on both databases.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { type LinkRow, newLink, writeLinks } from '../../src/store/links.ts';
import { countMarks } from '../../src/store/marks.ts';
import { askForBases, retakeBases } from '../../src/store/retakeBases.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

const HOLDER = 'card holder';
const signal = new AbortController().signal;

describe.each(Object.entries(databases))('bases on %s', (_name, newDatabase) => {
  let store: Store;
  beforeEach(async () => {
    store = await openStore(await newDatabase(), systemClock);
    const now = systemClock.now();
    const row = { mode: 'live' as const, dialect: 'report', pausedDirections: [], settings: {}, secrets: {} };
    const values = ['north', 'south'].map((id) => ({
      ...row,
      id,
      cursors: { poll: 1 },
      createdAt: now,
      updatedAt: now,
    }));
    await store.tx(async (db) => {
      await db.insert(store.s.connections).values(values);
    });
  });
  afterEach(() => store.close());

  const linked = (connectionId: string, n: number, state: LinkRow['state'] = 'live'): LinkRow => ({
    ...newLink(store, connectionId, `${connectionId}-${n}`, `con-${connectionId}-${n}`, state),
    fields: { loyalty_points: { base: 100, revision: 7, pending: { value: 120, sentAtMs: 1 } } },
    tags: { base: [HOLDER, 'gold'], off: { vip: 5 }, commands: ['churned'] },
    cardId: 'card_1',
  });
  const links = async () =>
    (await store.db.select().from(store.s.entityMappings))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((row) => ({ ...row, updatedAt: null }));
  const cursors = async () => (await store.db.select().from(store.s.connections)).map((row) => row.cursors);
  const askAndRetake = async () => {
    await store.tx((db) => askForBases(store, db, 'north'));
    await retakeBases(store, 'north', new Set([HOLDER]), signal);
  };

  test('every live link of the connection, in pages: its revisions and our own tags are kept, its contact is read', async () => {
    const rows = [
      ...Array.from({ length: 450 }, (_, n) => linked('north', n)),
      linked('north', 999, 'gone'),
      linked('south', 1),
    ];
    await store.tx((db) => writeLinks(store, db, rows));
    const before = await links();
    await askAndRetake();
    const isTaken = (row: Pick<LinkRow, 'connectionId' | 'state'>) =>
      row.connectionId === 'north' && row.state === 'live';
    expect(await links()).toEqual(
      before.map((row) => ({
        ...row,
        ...(isTaken(row) && {
          fields: { loyalty_points: { revision: 7 } },
          tags: { base: [], off: {}, pending: { add: [HOLDER], remove: [], sentAtMs: 0 } },
          cardId: null,
        }),
      })),
    );
    expect([await countMarks(store, 'north'), await countMarks(store, 'south')]).toEqual([450, 0]);
    expect(await cursors()).toEqual([{ poll: 1 }, { poll: 1 }]);
  });

  test('interrupted, the next run goes on; what nobody asked for is left alone', async () => {
    await store.tx((db) => writeLinks(store, db, [linked('north', 1)]));
    await retakeBases(store, 'north', new Set(), signal);
    expect(await links()).toMatchObject([{ cardId: 'card_1' }]);
    await store.tx((db) => askForBases(store, db, 'north'));
    await expect(retakeBases(store, 'north', new Set(), AbortSignal.abort())).rejects.toThrow('aborted');
    await retakeBases(store, 'north', new Set(), signal);
    expect(await links()).toMatchObject([{ cardId: null, tags: { base: [], off: {} } }]);
  });

  test('a connection without links has nothing to take back', async () => {
    await askAndRetake();
    expect(await cursors()).toEqual([{ poll: 1 }, { poll: 1 }]);
  });
});
