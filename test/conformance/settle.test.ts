import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { claimIdentities, newLink } from '../../src/store/links.ts';
import { createSettler, type Settler } from '../../src/store/settle.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { databases } from '../helpers/databases.ts';

describe.each(Object.entries(databases))('settlements on %s', (_name, makeUrl) => {
  let store: Store;
  let settler: Settler;
  let commits: number;
  beforeEach(async () => {
    const opened = await openStore(await makeUrl(), systemClock);
    commits = 0;
    store = {
      ...opened,
      tx: (work, options) => {
        commits += 1;
        return opened.tx(work, options);
      },
    };
    settler = createSettler(store, 'c');
  });
  afterEach(() => store.close());

  const link = (customerId: string) => newLink(store, 'c', customerId, `con_${customerId}`, 'live');
  const claim = (identity: string, commandId: string) =>
    settler.commit((db) => claimIdentities(store, db, 'c', [identity], commandId));
  const linked = async () =>
    (await store.db.select().from(store.s.entityMappings)).map((row) => row.stickycardsId).toSorted();

  test('what waits at one moment shares one commit, and work in it sees what the one before it wrote', async () => {
    const [, first, second] = await Promise.all([
      settler.settle({ link: link('a') }),
      claim('phone:+12125550142', 'cmd_1'),
      claim('phone:+12125550142', 'cmd_2'),
      settler.settle({ link: link('b') }),
    ]);
    expect([first, second]).toEqual([null, 'cmd_1']);
    expect(await linked()).toEqual(['a', 'b']);
    expect(commits).toBe(1);
  });

  test('a bad one fails alone: its neighbours are stored', async () => {
    const wrong = link('a');
    const outcomes = await Promise.allSettled([
      settler.settle({ link: link('a') }),
      // The second live link of one person.
      settler.settle({ link: wrong }),
      settler.settle({ link: link('b') }),
      claim('email:ana@example.com', 'cmd_1'),
      settler.commit(() => Promise.reject(new Error('no'))),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    expect(await linked()).toEqual(['a', 'b']);
    expect(await store.db.select().from(store.s.claimedIdentities)).toHaveLength(1);
  });
});
