import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { desc } from 'drizzle-orm';
import { runCli } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { type CommandRow, insertCommands, listCommands, moveCommand } from '../../src/store/commands.ts';
import { openStore, type Store } from '../../src/store/store.ts';

let config: Config;
beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'));
  const secret = () => randomBytes(32).toString('base64');
  config = loadConfig(
    {
      DATABASE_URL: `file:${join(folder, 'sync.db')}`,
      ENCRYPTION_KEY: secret(),
      ADMIN_TOKEN: secret(),
      ADMIN_PASSWORD: secret(),
      SANDBOX: '0',
    },
    folder,
  );
  await cli('connections', 'add', 'north');
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

const unknown = (target: string): Promise<string> =>
  inStore(async (store) => {
    const order = { connectionId: 'north', kind: 'add_points' as const, target, sourceEvent: `state:${target}` };
    await store.tx((db) => insertCommands(store, db, [{ ...order, params: { points: 50, customerId: 'cus_1' } }]));
    const [row] = await listCommands(store, {}, 1);
    const { id } = row as CommandRow;
    await store.tx((db) =>
      moveCommand(store, db, id, ['pending'], { state: 'unknown', reason: 'the answer was lost', attempts: 1 }),
    );
    return id;
  });

test('the ledger is listed, and decided about, with who did it in the audit log', async () => {
  expect((await cli('commands')).out).toBe('No commands.\n');
  const first = await unknown('card:card_1');
  const second = await unknown('card:card_2');
  const list = await cli('commands', '--state', 'unknown');
  expect(list.out).toMatch(/^COMMAND +CONNECTION +KIND/);
  expect(list.out).toMatch(
    new RegExp(`\n${first} +north +add_points +card:card_1 +unknown +1 .* the answer was lost\n`),
  );
  const confirmed = await cli('commands', 'confirm', first);
  expect(confirmed).toMatchObject({ code: 0, err: '' });
  expect(confirmed.out).toContain(`${first} counts as done.`);
  const again = await cli('commands', 'resend', second, '--json');
  expect(JSON.parse(again.out)).toMatchObject({ id: second, state: 'pending', decidedBy: 'cli' });
  const listed = await cli('commands', 'list', '--limit', '1', '--json');
  expect(JSON.parse(listed.out)).toMatchObject({ items: [{ id: second }], nextCursor: expect.any(String) });
  expect((await cli('commands', 'discard', second)).out).toContain('never sent');
  const [audit] = await inStore((store) =>
    store.db.select().from(store.s.syncAuditLogs).orderBy(desc(store.s.syncAuditLogs.id)).limit(1),
  );
  expect(audit).toMatchObject({ actor: 'cli', action: 'command.discard', subject: second });
});

test('what is not possible is one line that says what is', async () => {
  const id = await unknown('card:card_1');
  await cli('commands', 'confirm', id);
  const refused = await cli('commands', 'resend', id);
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/^resend is not possible, the command is applied: .*\n$/);
  expect(await cli('commands', 'confirm', 'cmd_none')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no command'),
  });
  expect((await cli('commands', 'list', '--state', 'lost')).code).toBe(2);
});
