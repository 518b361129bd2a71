// Many connections beside `default`: their file, their own maps, pausing all of them (SPEC §5, §6.1).
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import { delivery } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
let folder: string;
beforeEach(async () => {
  t = await startTestApp();
  folder = mkdtempSync(join(tmpdir(), 'connections-'));
});
afterEach(() => t.stop());

async function cli(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    config: () => t.app.config,
  });
  return { code, out, err };
}

async function patch(name: string, body: unknown) {
  const answer = await fetch(`${t.url}/api/connections/${name}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${t.app.config.adminToken}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const file = (name: string, value: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};

const audits = async (connectionId: string) => {
  const { syncAuditLogs: log } = t.app.store.s;
  return (await t.app.store.db.select().from(log)).filter((row) => row.connectionId === connectionId);
};

describe('the connections file', () => {
  test('what is exported can be imported: nothing changes, and no secret is in it', async () => {
    const path = join(folder, 'all.json');
    expect((await cli('connections', 'export', path)).code).toBe(0);
    const text = readFileSync(path, 'utf8');
    for (const secret of ['whsec_7d1f0c', 'wf_51c9d2', 'pit-5f2c', 'sk_7a9e']) expect(text).not.toContain(secret);
    const { code, out } = await cli('connections', 'import', path);
    expect({ code, out }).toEqual({ code: 0, out: 'default: as it is\n' });
  });

  test('makes and changes by name, says what, keeps secrets, and every change is in the audit log', async () => {
    const path = file('clients.json', {
      version: 1,
      connections: [
        { name: 'default', defaultCountry: 'DE', lowRating: 3, paused: ['ghl_to_stickycards'] },
        {
          name: 'north',
          ghlLocationId: 'LOC2',
          timeZone: 'Europe/Berlin',
          tagMap: { derived: { referrer: 'Empfiehlt' } },
        },
      ],
    });
    const dry = await cli('connections', 'import', path, '--dry-run');
    expect(dry.out).toContain('defaultCountry: "US" → "DE"');
    expect(dry.out).toContain('north: new, in observe');
    expect(dry.out).toContain('dry run');
    expect((await t.api('/connections')).body['items']).toHaveLength(1);

    expect((await cli('connections', 'import', path)).code).toBe(0);
    const shown = (await t.api('/connections/default')).body;
    expect(shown).toMatchObject({ defaultCountry: 'DE', lowRating: 3, paused: ['ghl_to_stickycards'], mode: 'live' });
    expect(shown['secretsSet']).toContain('ghlAccessToken');
    expect((await t.api('/connections/north')).body).toMatchObject({
      mode: 'observe',
      ghlLocationId: 'LOC2',
      timeZone: 'Europe/Berlin',
      tagMap: { derived: { referrer: 'Empfiehlt' } },
      secretsSet: [],
    });
    const changes = (await audits('default')).filter(({ actor }) => actor === 'cli');
    expect(changes).toMatchObject([
      {
        action: 'connection.patch',
        before: { defaultCountry: 'US', lowRating: 2 },
        after: { defaultCountry: 'DE', lowRating: 3 },
      },
      { action: 'connection.pause', after: { pausedDirections: ['ghl_to_stickycards'] } },
    ]);
    expect(await audits('north')).toMatchObject([{ action: 'connection.create', actor: 'cli' }]);
    expect((await cli('connections', 'import', path)).out).toBe('default: as it is\nnorth: as it is\n');
  });

  test.each([
    [
      'a secret',
      { connections: [{ name: 'north', ghlAccessToken: 'pit-1' }] },
      'ghlAccessToken: secrets are not taken',
    ],
    ['an unknown setting', { connections: [{ name: 'north', colour: 'red' }] }, 'connection "north": colour'],
    ['a wrong value', { connections: [{ name: 'north', timeZone: 'Mars' }] }, 'connection "north": timeZone'],
    ['a name twice', { connections: [{ name: 'north' }, { name: 'north' }] }, 'stands twice'],
    ['a name that cannot be', { connections: [{ name: 'push' }] }, 'part of our own addresses'],
    ['another version', { version: 2, connections: [] }, 'version'],
    ['no JSON', 'name: north', 'cannot be read as JSON'],
  ])('%s is refused before anything is changed', async (_what, value, message) => {
    const content = typeof value === 'string' ? value : { version: 1, ...value };
    const good = { name: 'default', lowRating: 1 };
    if (typeof content === 'object') content.connections = [good, ...content.connections] as typeof content.connections;
    const { code, err } = await cli('connections', 'import', file('bad.json', content));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
    expect((await t.api('/connections/default')).body).toMatchObject({ lowRating: 2 });
    expect((await t.api('/connections')).body['items']).toHaveLength(1);
  });
});

describe('maps of its own', () => {
  test('a mistake is refused by the name of the row', async () => {
    const answer = await patch('default', { fieldMap: { loyalty_points: { direction: 'from_ghl' } } });
    expect(answer).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('row "loyalty_points": direction can only be both or to_ghl') },
    });
    expect(await patch('default', { tagMap: { derived: { card_holder: 'churned' } } })).toMatchObject({ status: 400 });
  });

  test('runs go by them: another tag, a row less, a row more, one-way points', async () => {
    const changed = await patch('default', {
      fieldMap: {
        referral_count: null,
        loyalty_points: { direction: 'to_ghl' },
        shop: { label: 'Shop', staging: 'extra.shop', ghl: 'custom', type: 'TEXT', direction: 'to_ghl' },
      },
      tagMap: { derived: { card_holder: 'Member' } },
    });
    expect(changed).toMatchObject({ status: 200, body: { tagMap: { derived: { card_holder: 'Member' } } } });
    await t.deliver(delivery('CardInstalledEvent', 1));
    await t.deliver(delivery('CardBalanceUpdatedEvent', 2, { balance: 40 }));
    expect(await t.run()).toMatchObject({ status: 'completed', createdCount: 1 });
    expect(t.ghl.state.tagsOf(onlyContact(t).id)).toContain('member');
    expect(t.ghl.state.tagsOf(onlyContact(t).id)).not.toContain('card holder');
    const keys = t.ghl.state.customFields(LOCATION).map(({ fieldKey }) => fieldKey);
    expect(keys).toContain('contact.shop');
    expect(keys).not.toContain('contact.referral_count');
    // One way: what is typed in GHL is put back, never booked.
    t.ghl.ui.updateContact(onlyContact(t).id, { customFields: { loyalty_points: 400 } });
    await t.ghl.flushWebhooks();
    await t.run();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 3, { balance: 45 }));
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 45 });
    expect((await t.api('/commands?kind=add_points')).body['items']).toEqual([]);
  });
});

describe('pausing everything', () => {
  test('stops both directions of every connection; resuming brings back what was before', async () => {
    await t.api('/connections', { name: 'north' });
    await t.api('/connections/north/pause', { direction: 'ghl_to_stickycards' });
    expect(await t.api('/pause', {})).toMatchObject({
      status: 200,
      body: { paused: true, connections: ['default', 'north'] },
    });
    await t.deliver(delivery('CardInstalledEvent', 1));
    expect(await t.run()).toMatchObject({ totalRecords: 0, lastError: 'both directions are paused' });
    await t.restart();
    expect(await t.run()).toMatchObject({ totalRecords: 0 });
    expect(await t.api('/pause', {})).toMatchObject({ body: { connections: [] } });
    expect(await t.api('/resume', {})).toMatchObject({ body: { paused: false, connections: ['default', 'north'] } });
    expect((await t.api('/connections/north')).body).toMatchObject({ paused: ['ghl_to_stickycards'] });
    expect(await t.run()).toMatchObject({ createdCount: 1 });
    expect((await audits('default')).map(({ action }) => action)).toEqual(
      expect.arrayContaining(['connection.pause all', 'connection.resume all']),
    );
  });

  test('from the command line too; a name or --all, not both', async () => {
    expect((await cli('connections', 'pause', '--all')).out).toBe('default: is paused.\n');
    expect((await cli('connections', 'resume', '--all')).out).toBe('default: goes on.\n');
    expect((await cli('connections', 'pause')).code).toBe(2);
    expect((await cli('connections', 'pause', 'default', '--all')).code).toBe(2);
  });
});
