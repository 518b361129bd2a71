import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { SANDBOX_WEBHOOK_SECRET } from '../../src/sandboxConnection.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'config-'));
});

const load = (env: Record<string, string | undefined>) => loadConfig(env, root);

function mistakes(env: Record<string, string | undefined>): string[] {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return [...error.lines];
    throw error;
  }
  return [];
}

const production = {
  NODE_ENV: 'production',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  ADMIN_TOKEN: randomBytes(24).toString('base64url'),
  ADMIN_PASSWORD: 'Quiet-Otter-71-Lamp',
};
const connected = {
  STICKY_CARDS_API_BASE_URL: 'https://api.cards.example',
  STICKY_CARDS_API_KEY: 'sk_live_1234',
  STICKY_CARDS_WEBHOOK_SECRET: 'wh-41c5e2b8f0',
  GHL_LOCATION_ID: 'ghlLoc1',
  GHL_ACCESS_TOKEN: 'pit-1234',
};

describe('a fresh clone', () => {
  test('starts in the sandbox, in its own database, with secrets made up once', () => {
    const first = load({});
    expect(first).toMatchObject({
      sandbox: true,
      production: false,
      port: 3000,
      host: '0.0.0.0',
      syncCron: '*/5 * * * *',
      startMode: 'observe',
      syncPaused: false,
      massChangeBrake: true,
      databaseUrl: `file:${join(root, 'data/sandbox.db')}`,
      retentionDays: { payloads: 90, logs: 180 },
      defaultCountry: 'US',
      defaultConnection: null,
    });
    expect(first.madeUp?.secrets.map((s) => s.name)).toEqual(['ENCRYPTION_KEY', 'ADMIN_TOKEN', 'ADMIN_PASSWORD']);
    const file = join(root, 'data/secrets.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(first.encryptionKeys[0]?.key).toHaveLength(32);

    const second = load({});
    expect(second.madeUp).toBeNull();
    expect(second.adminToken).toBe(first.adminToken);
    expect(second.adminPassword).toBe(first.adminPassword);
    expect(second.encryptionKeys).toEqual(first.encryptionKeys);
  });

  test('only what is missing is made up', () => {
    const config = load({ ADMIN_TOKEN: 'mine', ADMIN_PASSWORD: 'mine too' });
    expect(config.adminToken).toBe('mine');
    expect(config.madeUp?.secrets.map((s) => s.name)).toEqual(['ENCRYPTION_KEY']);
  });

  test('a secrets file that cannot be read stops the start instead of locking the stored secrets away', () => {
    mkdirSync(join(root, 'data'));
    writeFileSync(join(root, 'data/secrets.json'), '{"ENCRYPTION_KEY": ');
    expect(mistakes({})).toEqual([expect.stringMatching(/^ENCRYPTION_KEY: .*secrets\.json/)]);
    expect(readFileSync(join(root, 'data/secrets.json'), 'utf8')).toBe('{"ENCRYPTION_KEY": ');
  });
});

describe('the sandbox', () => {
  test.each([
    ['on by itself with nothing but a port', { PORT: '8080' }, true],
    ['on by itself when variables are set but empty', { DATABASE_URL: '', STICKY_CARDS_API_KEY: ' ' }, true],
    ['off when a connection is configured', connected, false],
    ['off when a database is named', { DATABASE_URL: 'file:./data/sync.db' }, false],
    ['off when switched off', { SANDBOX: '0' }, false],
    ['on when switched on', { ...connected, SANDBOX: '1' }, true],
    ['off in production', production, false],
  ])('%s', (_name, env, on) => {
    expect(load(env).sandbox).toBe(on);
  });

  test('never describes the connection default and never opens its database', () => {
    const config = load({ ...connected, SANDBOX: 'on' });
    expect(config.defaultConnection).toBeNull();
    expect(config.databaseUrl).toMatch(/sandbox\.db$/);
    expect(load(connected).databaseUrl).toMatch(/sync\.db$/);
  });
});

test.each(['file:./data/sandbox.db', 'file:data/../data/sandbox.db'])(
  'a configured start never opens the file of the sandbox (%s)',
  (DATABASE_URL) => {
    const line = expect.stringMatching(/^DATABASE_URL: is the file of the sandbox: .*sync\.db$/);
    expect(mistakes({ ...connected, DATABASE_URL })).toEqual([line]);
    expect(mistakes({ DATABASE_URL })).toEqual([line]);
    expect(load({ ...connected, DATABASE_URL, SANDBOX: '1' }).databaseUrl).toMatch(/data\/sandbox\.db$/);
  },
);

describe('the connection default', () => {
  test('holds what is set and nothing else', () => {
    const config = load({
      ...connected,
      STICKY_CARDS_WEBHOOK_SECRET: 'new-secret-1, old-secret-2',
      STICKY_CARDS_TEST: 'on',
      GHL_PIPELINE_ID: 'p1',
      GHL_PIPELINE_STAGE_ID: 's1',
    });
    expect(config.defaultConnection).toEqual({
      stickyCardsApiBaseUrl: 'https://api.cards.example',
      stickyCardsApiKey: 'sk_live_1234',
      stickyCardsWebhookSecrets: ['new-secret-1', 'old-secret-2'],
      test: true,
      ghlLocationId: 'ghlLoc1',
      ghlAccessToken: 'pit-1234',
      pipelineId: 'p1',
      stageId: 's1',
    });
  });

  test('is not made by the credentials of the app alone', () => {
    const config = load({ GHL_CLIENT_ID: 'c', GHL_CLIENT_SECRET: 's' });
    expect(config).toMatchObject({ sandbox: false, defaultConnection: null });
    expect(config.ghlApp).toMatchObject({ clientId: 'c', clientSecret: 's', webhookPublicKey: null });
  });

  test.each([
    ['enforce without a secret', { STICKY_CARDS_WEBHOOK_SECRET: '' }, /^STICKY_CARDS_WEBHOOK_SECRET: .*log-only/],
    [
      'path-secret without a secret',
      { STICKY_CARDS_WEBHOOK_SECRET: undefined, STICKY_CARDS_WEBHOOK_MODE: 'path-secret' },
      /^STICKY_CARDS_WEBHOOK_SECRET: /,
    ],
    ['three secrets', { STICKY_CARDS_WEBHOOK_SECRET: 'a,b,c' }, /^STICKY_CARDS_WEBHOOK_SECRET: .*two at most/],
    ['an empty second secret', { STICKY_CARDS_WEBHOOK_SECRET: 'a,' }, /^STICKY_CARDS_WEBHOOK_SECRET: .*empty/],
    ['a token without its location', { GHL_LOCATION_ID: undefined }, /^GHL_LOCATION_ID: /],
    ['a location without a token', { GHL_ACCESS_TOKEN: undefined }, /^GHL_ACCESS_TOKEN: /],
    ['a pipeline without a stage', { GHL_PIPELINE_ID: 'p' }, /^GHL_PIPELINE_STAGE_ID: /],
    ['a stage without a pipeline', { GHL_PIPELINE_STAGE_ID: 's' }, /^GHL_PIPELINE_ID: /],
    ['an OAuth id without its secret', { GHL_CLIENT_ID: 'c' }, /^GHL_CLIENT_SECRET: /],
    ['a key without an address', { STICKY_CARDS_API_BASE_URL: undefined }, /^STICKY_CARDS_API_BASE_URL: /],
    ['a workspace left out', { STICKY_CARDS_DIALECT: 'sticky' }, /^STICKY_CARDS_WORKSPACE: /],
    ['a partner without a secret', { STICKER_PARTNER_ORG_ID: 'o' }, /^STICKER_WEBHOOK_SECRET: /],
  ])('does not start with %s', (_name, change, line) => {
    expect(mistakes({ ...connected, ...change })).toEqual([expect.stringMatching(line)]);
  });

  test('log-only starts without a secret; a location may wait for OAuth', () => {
    expect(mistakes({ STICKY_CARDS_WEBHOOK_MODE: 'log-only' })).toEqual([]);
    const oauth = { GHL_CLIENT_ID: 'c', GHL_CLIENT_SECRET: 's' };
    expect(mistakes({ ...connected, ...oauth, GHL_ACCESS_TOKEN: undefined })).toEqual([]);
  });
});

describe('production', () => {
  test('starts with strong secrets and makes up nothing', () => {
    expect(load({ ...production, ...connected })).toMatchObject({ production: true, madeUp: null });
    expect(existsSync(join(root, 'data'))).toBe(false);
  });

  test.each(['ENCRYPTION_KEY', 'ADMIN_TOKEN', 'ADMIN_PASSWORD'])('does not start without %s', (name) => {
    expect(mistakes({ ...production, [name]: '' })).toEqual([expect.stringMatching(`^${name}: is required`)]);
    expect(existsSync(join(root, 'data'))).toBe(false);
  });

  test.each([
    ['ADMIN_TOKEN', 'change-me-change-me'],
    ['ADMIN_TOKEN', 'short'],
    ['ADMIN_TOKEN', 'aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['ADMIN_PASSWORD', 'password123'],
    ['ADMIN_PASSWORD', 'admin1234'],
    ['ENCRYPTION_KEY', '0'.repeat(64)],
    ['STICKY_CARDS_WEBHOOK_SECRET', 'your-secret-here'],
    ['GHL_WORKFLOW_KEY', 'changeme'],
    ['STICKY_CARDS_WEBHOOK_SECRET', 'sandbox-webhook-secret'],
    ['STICKY_CARDS_WEBHOOK_SECRET', 'Sandbox-Webhook-Secret-1'],
    ['GHL_WORKFLOW_KEY', 'sandbox-webhook-secret'],
    ['ADMIN_TOKEN', 'sandbox-webhook-secret'],
    ['GHL_ACCESS_TOKEN', 'pit-sandbox'],
    ['STICKY_CARDS_API_KEY', 'sandbox-api-key'],
  ])('does not start with a default or weak %s', (name, value) => {
    const lines = mistakes({ ...production, ...connected, [name]: value });
    expect(lines).toEqual([expect.stringMatching(`^${name}: `)]);
    expect(lines[0]).not.toContain(value);
  });
});

describe('values', () => {
  test.each(['*/5 * * * *', '0 */15 9-17 * * 1-5', '*/59 * * * *'])('SYNC_CRON "%s" is valid', (value) => {
    expect(load({ SYNC_CRON: value }).syncCron).toBe(value);
  });

  test.each([
    '*/60 * * * *',
    '*/90 * * * *',
    '0 */24 * * *',
    '0-59/75 * * * *',
    '* * * *',
    '@daily',
    '61 * * * *',
    'every five minutes',
  ])('SYNC_CRON "%s" is one line', (value) => {
    expect(mistakes({ SYNC_CRON: value })).toEqual([expect.stringMatching(/^SYNC_CRON: /)]);
  });

  test.each([
    ['on', true],
    ['ON', true],
    ['1', true],
    ['true', true],
    ['off', false],
    ['0', false],
    ['false', false],
  ])('a switch reads "%s"', (value, on) => {
    expect(load({ SYNC_PAUSED: value }).syncPaused).toBe(on);
  });

  test.each([
    ['PORT', 'abc'],
    ['PORT', '70000'],
    ['HOST', '300.300.300.300'],
    ['HOST', '0.0.0.0:3000'],
    ['HOST', 'http://localhost'],
    ['HOST', '*'],
    ['TRUST_PROXY', 'maybe'],
    ['TRUST_PROXY', '100'],
    ['TRUST_PROXY', 'loopback, maybe'],
    ['TRUST_PROXY', '10.0.0.0/40'],
    ['TRUST_PROXY', '300.1.1.1'],
    ['SYNC_PAUSED', 'maybe'],
    ['DATABASE_URL', 'mysql://db'],
    ['PUBLIC_URL', 'sync.example.com'],
    ['HEARTBEAT_URL', 'ftp://x.example'],
    ['GHL_API_BASE_URL', 'https://me:secret@x.example'],
    ['DEFAULT_COUNTRY', 'UK'],
    ['DEFAULT_COUNTRY', 'Germany'],
    ['START_MODE', 'fast'],
    ['LOG_LEVEL', 'loud'],
    ['RETENTION_DAYS', 'ever'],
    ['ENCRYPTION_KEY', 'too-short'],
    ['GHL_WEBHOOK_PUBLIC_KEY', '-----BEGIN PUBLIC KEY-----'],
  ])('a wrong %s (%s) is one line that names it', (name, value) => {
    expect(mistakes({ SANDBOX: '0', [name]: value })).toEqual([expect.stringMatching(`^${name}: `)]);
  });

  test.each([
    ['TRUST_PROXY', 'off', false],
    ['TRUST_PROXY', 'on', true],
    ['TRUST_PROXY', '2', 2],
    ['TRUST_PROXY', 'loopback, 10.0.0.0/8,fd00::/8', 'loopback, 10.0.0.0/8,fd00::/8'],
    ['TRUST_PROXY', '192.168.0.0/255.255.0.0', '192.168.0.0/255.255.0.0'],
    ['HOST', '::', '::'],
    ['HOST', 'sync.internal', 'sync.internal'],
  ])('%s "%s" is taken', (name, value, read) => {
    const config = load({ SANDBOX: '0', [name]: value });
    expect(name === 'HOST' ? config.host : config.trustProxy).toBe(read);
  });

  test('keys: hex, base64, and two versions while they are being changed', () => {
    const [one, two] = [randomBytes(32), randomBytes(32)];
    expect(load({ ENCRYPTION_KEY: one.toString('hex') }).encryptionKeys).toEqual([{ version: 1, key: one }]);
    const both = load({ ENCRYPTION_KEY: `v2:${two.toString('base64')},v1:${one.toString('hex')}` });
    expect(both.encryptionKeys).toEqual([
      { version: 2, key: two },
      { version: 1, key: one },
    ]);
    expect(mistakes({ ENCRYPTION_KEY: `${one.toString('hex')},${two.toString('hex')}` })).toHaveLength(1);
  });

  test('the rest', () => {
    const config = load({
      RETENTION_DAYS: '0,30',
      TRUST_PROXY: '1',
      PUBLIC_URL: 'https://sync.example.com/',
      DEFAULT_COUNTRY: 'de',
      DATABASE_URL: 'postgres://u:p@db/sync',
    });
    expect(config.retentionDays).toEqual({ payloads: 0, logs: 30 });
    expect(config.trustProxy).toBe(1);
    expect(config.publicUrl).toBe('https://sync.example.com');
    expect(config.defaultCountry).toBe('DE');
    expect(config.databaseUrl).toBe('postgres://u:p@db/sync');
    expect(load({ RETENTION_DAYS: '45' }).retentionDays).toEqual({ payloads: 45, logs: 45 });
  });
});

test('a misspelled name is refused, with the name that was meant', () => {
  expect(mistakes({ STICKY_CARDS_WEBHOOK_SECRETS: 'x' })).toEqual([
    expect.stringMatching(/^STICKY_CARDS_WEBHOOK_SECRETS: .*did you mean STICKY_CARDS_WEBHOOK_SECRET\?/),
  ]);
  expect(mistakes({ GHL_LOCATON_ID: 'x', STICKY_API_KEY: 'y' })).toEqual([
    expect.stringMatching(/GHL_LOCATION_ID\?/),
    expect.stringMatching(/STICKY_CARDS_API_KEY\?/),
  ]);
});

test('an unknown name beside a working configuration is only pointed out', () => {
  expect(load({ ...connected, GHL_SOMETHING: 'x' }).warnings).toEqual([expect.stringMatching(/^GHL_SOMETHING: /)]);
  expect(load(connected).warnings).toEqual([]);
});

test('a secret that the README prints is no secret of production, also as the older of two', () => {
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const printed = [...readme.matchAll(/^ *(?:export )?\w*(?:SECRET|KEY|TOKEN|PASSWORD)=([\w-]{6,})$/gm)].map(
    ([, s]) => s,
  );
  expect(printed).toContain(SANDBOX_WEBHOOK_SECRET);
  for (const secret of printed) {
    const env = { ...production, ...connected, STICKY_CARDS_WEBHOOK_SECRET: `wh-41c5e2b8f0,${secret}` };
    expect(mistakes(env)).toEqual([expect.stringMatching(/^STICKY_CARDS_WEBHOOK_SECRET: is too weak/)]);
  }
});

test('the sandbox, whose secrets are known to everybody, never starts in production', () => {
  expect(mistakes({ ...production, SANDBOX: '1' })).toEqual([expect.stringMatching(/^SANDBOX: /)]);
});

test('one start shows all mistakes, one line each', () => {
  const lines = mistakes({ PORT: 'x', SYNC_CRON: 'x', GHL_ACCESS_TOKEN: 'pit', NODE_ENV: 'production' });
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'PORT',
    'SYNC_CRON',
    'ENCRYPTION_KEY',
    'ADMIN_TOKEN',
    'ADMIN_PASSWORD',
    'GHL_LOCATION_ID',
    'STICKY_CARDS_WEBHOOK_SECRET',
  ]);
  for (const line of lines) expect(line).not.toContain('\n');
});
