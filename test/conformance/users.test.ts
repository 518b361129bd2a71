import { describe, expect, test } from '@jest/globals';
import { closeSession, IDLE_MS, openSession, SESSION_MS, sessionOf } from '../../src/store/sessions.ts';
import { openStore } from '../../src/store/store.ts';
import { addUser, ensureAdmin, listUsers, removeUser, setPassword, userBy } from '../../src/store/users.ts';
import { databases } from '../helpers/databases.ts';
import { movableClock } from '../helpers/movableClock.ts';

describe.each(Object.entries(databases))('users and sessions on %s', (_name, urlOf) => {
  const PASSWORD = 'nine in the evening';

  test('only the right name and password are somebody', async () => {
    const store = await openStore(await urlOf(), movableClock());
    await addUser(store, { name: ' Ana ', role: 'operator', password: PASSWORD }, 'cli');
    expect(await userBy(store, 'ANA', PASSWORD)).toMatchObject({ name: 'ana', role: 'operator' });
    expect(await userBy(store, 'ana', `${PASSWORD} `)).toBeNull();
    expect(await userBy(store, 'nobody', PASSWORD)).toBeNull();
    expect(JSON.stringify(await listUsers(store))).not.toContain('scrypt');
    await setPassword(store, 'ana', `${PASSWORD}!`, 'cli');
    expect(await userBy(store, 'ana', PASSWORD)).toBeNull();
    expect(await userBy(store, 'ana', `${PASSWORD}!`)).not.toBeNull();
    const said = await store.db.select().from(store.s.syncAuditLogs);
    expect(said.map(({ action, subject }) => `${action} ${subject}`)).toEqual(['user.add ana', 'user.password ana']);
    await store.close();
  });

  test('what cannot be a user is refused with the reason', async () => {
    const store = await openStore(await urlOf(), movableClock());
    const add = (name: string, password = PASSWORD) => addUser(store, { name, role: 'viewer', password }, 'cli');
    await expect(add('a b')).rejects.toMatchObject({ code: 'invalid_name', httpStatus: 400 });
    await expect(add('api')).rejects.toMatchObject({ code: 'invalid_name' });
    await expect(add('ana', 'short')).rejects.toMatchObject({ code: 'weak_password' });
    await add('ana');
    await expect(add('Ana')).rejects.toMatchObject({ code: 'user_exists', httpStatus: 409 });
    await expect(setPassword(store, 'ben', PASSWORD, 'cli')).rejects.toMatchObject({ code: 'unknown_user' });
    await expect(removeUser(store, 'admin', 'cli')).rejects.toMatchObject({ code: 'admin_of_the_start' });
    await store.close();
  });

  test('the admin follows the password of the start', async () => {
    const store = await openStore(await urlOf(), movableClock());
    await ensureAdmin(store, 'first password');
    const token = await openSession(store, 'admin');
    await ensureAdmin(store, 'first password');
    expect(await sessionOf(store, token)).toEqual({ user: { name: 'admin', role: 'operator' } });
    await ensureAdmin(store, 'second password');
    expect(await sessionOf(store, token)).toBeNull();
    expect(await userBy(store, 'admin', 'second password')).not.toBeNull();
    await store.close();
  });

  test('a session lives as long as it is used, and never longer than its end', async () => {
    const clock = movableClock();
    const store = await openStore(await urlOf(), clock);
    await addUser(store, { name: 'ana', role: 'viewer', password: PASSWORD }, 'cli');
    const token = await openSession(store, 'ana');
    expect(JSON.stringify(await store.db.select().from(store.s.sessions))).not.toContain(token);
    const uses = Math.floor(SESSION_MS / (IDLE_MS / 2)) - 1;
    for (let use = 0; use < uses; use++) {
      clock.ahead(IDLE_MS / 2);
      expect(await sessionOf(store, token)).not.toBeNull();
    }
    clock.ahead(IDLE_MS / 2 + 60_000);
    expect(await sessionOf(store, token)).toBeNull();
    const next = await openSession(store, 'ana');
    // What has ended is swept by the next one.
    expect(await store.db.select().from(store.s.sessions)).toHaveLength(1);
    await closeSession(store, next);
    expect(await sessionOf(store, next)).toBeNull();
    await store.close();
  });
});
