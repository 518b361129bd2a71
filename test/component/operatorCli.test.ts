// The operator's verbs at a terminal: the same functions as the API, on a database with or without a running service.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { desc } from 'drizzle-orm';
import { runCli } from '../../src/cli/program.ts';
import { raiseProblems } from '../../src/store/problems.ts';
import { delivery, person } from '../helpers/story.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
beforeEach(async () => {
  t = await startTestApp();
});
afterEach(() => t.stop());

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    config: () => ({ ...t.app.config, madeUp: null }),
  };
  const code = await runCli(args, io);
  return { code, out, err };
}
const parsed = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).out) as Record<string, unknown>;
const lastAudit = async () => {
  const { store } = t.app;
  const [row] = await store.db.select().from(store.s.syncAuditLogs).orderBy(desc(store.s.syncAuditLogs.id)).limit(1);
  return [row?.actor, row?.action, row?.subject];
};
const fail = (code: string) => {
  const { store } = t.app;
  const syncError = { class: 'validation', code, message: '422 no' };
  return store.tx((db) => db.update(store.s.stickyCardsCustomers).set({ syncStatus: 'FAILED', syncError }));
};

describe('on a running service', () => {
  test('replay takes events again and waits for the run that the service performs', async () => {
    const { body } = await t.deliver(delivery('CardInstalledEvent', 1));
    await t.run();
    const id = body['receiptId'] as string;
    const done = await cli('replay', id);
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toMatch(/^1 taken again\.\nRUN +CONNECTION/);
    expect(done.out).toContain('completed');
    const some = await cli('replay', id, 'evt_none', '--no-run');
    expect([some.code, some.out]).toEqual([1, '1 taken again.\n']);
    expect(some.err).toContain('evt_none: there is no event');
    expect(await parsed('replay', id, '--no-run')).toMatchObject({ events: [{ id }], refused: [], runs: [] });
    expect(await lastAudit()).toEqual(['cli', 'event.replay', id]);
  });

  test('resync reads both sides anew and says what became of it', async () => {
    const { customerId } = t.stickyCards.till.createCustomer({ firstName: 'Ana', phone: '+12125550142' });
    await t.stickyCards.flushWebhooks();
    await t.run();
    const done = await cli('resync', customerId);
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toContain(`${customerId} is SYNCED\n`);
    expect(t.stickyCards.journal.some((e) => e.method === 'GET' && e.path.includes(customerId))).toBe(true);
    expect((await cli('resync', 'nobody')).err).toContain('no such customer');
  });
});

describe('people and what is done about them', () => {
  beforeEach(async () => {
    for (const n of [1, 2, 3]) await t.deliver({ ...delivery('CustomerCreatedEvent', n), ...person(n) });
    await t.run();
  });

  test('customers are found, shown, told in full, and exported', async () => {
    const found = await cli('customers', '--find', 'P2');
    expect(found.out).toMatch(/\ncus_2 +default +P2 Lee/);
    expect((await cli('customers', '--status', 'FAILED')).out).toBe('No customers.\n');
    expect((await cli('customers', 'cus_1')).out).toMatch(/email +person1@example.com\n/);
    const story = await cli('customers', 'cus_1', '--timeline');
    expect(story.out).toContain('stickycards CustomerCreatedEvent');
    expect(story.out).toContain('create stickycards_to_ghl');
    const csv = await cli('customers', '--status', 'SYNCED', '--csv');
    expect(csv.out.trimEnd().split('\r\n')).toHaveLength(4);
    const page = (await parsed('customers', '--limit', '2')) as { items: unknown[]; nextCursor: string };
    expect(page.items).toHaveLength(2);
    const next = (await parsed('customers', '--after', page.nextCursor)) as { items: { customerId: string }[] };
    expect(next.items.map((c) => c.customerId)).toEqual(['cus_3']);
    expect((await cli('customers', '--status', 'LOST')).code).toBe(2);
    expect(await cli('customers', '--after', 'nonsense')).toMatchObject({ code: 2, out: '' });
  });

  test('a retry is counted first, takes a filter or one, and never everybody by mistake', async () => {
    await fail('field');
    expect((await cli('retry')).code).toBe(2);
    expect((await cli('retry', '--code', 'field', '--dry-run')).out).toBe('3 would be taken again.\n');
    expect((await cli('retry', 'cus_1')).out).toContain('cus_1 is taken again');
    expect(await parsed('retry', '--all')).toEqual({ count: 2 });
    expect((await cli('retry', '--all')).out).toBe('0 are taken again by the next run.\n');
    expect((await cli('retry', 'nobody')).code).toBe(1);
  });

  test('a dry run of one customer counts them and changes nothing; a filter beside an id is refused', async () => {
    await fail('field');
    const before = await lastAudit();
    expect(await cli('retry', 'cus_1', '--dry-run')).toEqual({
      code: 0,
      out: 'cus_1 would be taken again.\n',
      err: '',
    });
    expect(await parsed('retry', 'cus_1', '-c', 'default', '--dry-run')).toEqual({ count: 1, dryRun: true });
    const missing = await cli('retry', 'nobody', '--dry-run');
    expect([missing.code, missing.out]).toEqual([1, '']);
    expect(missing.err).toContain('no such customer');
    for (const beside of [['--all'], ['--status', 'FAILED'], ['--code', 'field'], ['--find', 'P1']]) {
      const refused = await cli('retry', 'cus_1', ...beside);
      expect([refused.code, refused.out]).toEqual([2, '']);
      expect(refused.err).toBe(
        'one customer is retried with --connection and --dry-run at most: leave the rest out, or the id\n',
      );
    }
    expect((await t.api('/customers/cus_1')).body).toMatchObject({ syncStatus: 'FAILED' });
    expect(await lastAudit()).toEqual(before);
  });

  test('everything, a connection, a direction or one customer is paused and goes on', async () => {
    expect((await cli('pause', '--customer', 'cus_1')).out).toBe('cus_1 is paused.\n');
    expect((await t.api('/customers/cus_1')).body).toMatchObject({ paused: true });
    await cli('resume', '--customer', 'cus_1');
    expect((await t.api('/customers/cus_1')).body).toMatchObject({ paused: false });
    expect((await cli('pause', 'default', '--direction', 'ghl_to_stickycards')).out).toBe(
      'default (ghl_to_stickycards) is paused.\n',
    );
    expect((await t.api('/connections/default')).body).toMatchObject({ paused: ['ghl_to_stickycards'] });
    await cli('resume', 'default', '--direction', 'ghl_to_stickycards');
    expect((await cli('pause', '--all')).code).toBe(0);
    expect((await cli('resume', '--all')).code).toBe(0);
    expect((await cli('pause')).code).toBe(2);
    expect((await cli('pause', 'default', '--all')).code).toBe(2);
  });
});

test('events are listed and shown', async () => {
  const { body } = await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  const id = body['receiptId'] as string;
  expect((await cli('events', '--source', 'stickycards', '--customer', 'cus_1')).out).toContain(id);
  expect((await cli('events', id)).out).toMatch(/status +FOLDED\n/);
  expect(await parsed('events', id)).toMatchObject({ id, payload: { customer_id: 'cus_1' } });
  expect((await cli('events', '--status', 'rejected')).out).toBe('No events.\n');
  expect((await cli('events', 'evt_none')).code).toBe(1);
});

test('problems are listed with what to do, and worked through', async () => {
  const { store } = t.app;
  expect((await cli('problems')).out).toBe('No open problems.\n');
  await store.tx((db) =>
    raiseProblems(store, db, 'default', [{ code: 'identity_conflict', recordId: 'a', sample: { contactId: 'c' } }]),
  );
  const { items } = (await parsed('problems')) as { items: { id: string }[] };
  const id = items[0]?.id as string;
  expect((await cli('problems')).out).toContain('Phone and e-mail of one customer');
  expect((await cli('problems', 'show', id)).out).toContain('merge them in GHL');
  expect((await cli('problems', 'ack', id)).out).toContain('is acknowledged.');
  expect((await cli('problems', 'list', '--state', 'acknowledged')).out).toContain(id);
  expect((await cli('problems', 'confirm', id)).err).toContain('nothing waits for a confirmation');
  expect((await cli('problems', 'resolve', id)).out).toContain('is resolved.');
  expect(await lastAudit()).toEqual(['cli', 'problem.resolved', id]);
  expect((await cli('problems', 'ignore', 'prb_none')).code).toBe(1);
});

test('every verb explains itself with an example', async () => {
  for (const verb of ['retry', 'replay', 'resync', 'problems', 'events', 'customers', 'pause', 'resume']) {
    const help = await cli(verb, '--help');
    expect([verb, help.code]).toEqual([verb, 0]);
    expect(help.out).toContain(`$ sticky-ghl ${verb}`);
  }
});

test('a terminal gets a table that fits it', async () => {
  await t.deliver(delivery('CardInstalledEvent', 1));
  await t.run();
  let out = '';
  const io = {
    out: (text: string) => void (out += text),
    err: () => undefined,
    config: () => ({ ...t.app.config, madeUp: null }),
    columns: 100,
  };
  await runCli(['logs'], io);
  expect(out).toContain('─');
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(150);
});
