import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EVENT_TYPES } from '../../src/domain/event.ts';
import { projectRoot } from '../../src/paths.ts';
import {
  countsInPoints,
  isKnownEvent,
  loadDialects,
  statusOf,
  type Dialect,
} from '../../src/platforms/stickycards/dialect.ts';

const configDir = join(projectRoot, 'config');
const dialect = (name: string): Dialect => {
  const found = loadDialects(configDir).get(name);
  if (found === undefined) throw new Error(`no dialect ${name}`);
  return found;
};

describe('the dialects in config/', () => {
  it('name the calls of SPEC §4 for report', () => {
    const calls = Object.values(dialect('report').paths).map((call) => `${call.method} ${call.path}`);
    expect(calls.sort()).toEqual([
      'GET /v1/cards/{cardId}',
      'GET /v1/customers',
      'GET /v1/customers/{customerId}',
      'POST /v1/cards',
      'POST /v1/customers',
      'POST /v1/pushes/customer',
      'PUT /cards/{cardId}/balance',
      'PUT /cards/{cardId}/status',
      'PUT /customers/{customerId}/preferences',
      'PUT /customers/{customerId}/segments',
    ]);
  });

  it('say what digitalwallet cannot do: no phone change, no segments, no status write', () => {
    const { capabilities } = dialect('digitalwallet');
    expect(capabilities).toMatchObject({
      phoneChange: false,
      segmentsWrite: false,
      statusWrite: false,
      preferencesWrite: false,
    });
    expect(capabilities).toMatchObject({ read: true, issueCard: true, push: true, balanceWrite: true });
  });

  it('know the 14 events, and all 25 of the platform in digitalwallet', () => {
    expect([...dialect('report').knownEvents].sort()).toEqual([...EVENT_TYPES].sort());
    expect(dialect('digitalwallet').knownEvents).toHaveLength(25);
    for (const type of EVENT_TYPES) expect(isKnownEvent(dialect('digitalwallet'), type)).toBe(true);
    expect(isKnownEvent(dialect('digitalwallet'), 'CouponRedeemedEvent')).toBe(true);
    expect(isKnownEvent(dialect('report'), 'CouponRedeemedEvent')).toBe(false);
  });

  it('take payments for account billing only where the platform bills its accounts', () => {
    expect(dialect('report').paymentsAreAccountBilling).toBe(false);
    expect(dialect('digitalwallet').paymentsAreAccountBilling).toBe(true);
  });
});

describe('statusOf', () => {
  it.each([
    ['not_installed', { axis: 'install', value: 'issued' }],
    ['Not installed', { axis: 'install', value: 'issued' }],
    ['INSTALLED', { axis: 'install', value: 'installed' }],
    ['deleted', { axis: 'install', value: 'removed' }],
    ['removed', { axis: 'install', value: 'removed' }],
    ['expired', { axis: 'install', value: 'expired' }],
    ['Active', { axis: 'admin', value: 'active' }],
    [' Inactive ', { axis: 'admin', value: 'inactive' }],
    ['Suspended', { axis: 'admin', value: 'suspended' }],
  ])('%s', (word, status) => {
    expect(statusOf(dialect('report'), word)).toEqual(status);
  });

  it.each([null, '', 'frozen', 'constructor', '__proto__'])('says nothing for %p', (word) => {
    expect(statusOf(dialect('report'), word)).toBeNull();
  });
});

describe('countsInPoints', () => {
  it('counts points cards and cards of a type nobody told, and no others', () => {
    const report = dialect('report');
    for (const type of ['reward', 'Points', 'loyalty', null, 'unheard-of'])
      expect(countsInPoints(report, type)).toBe(true);
    for (const type of ['stamp', 'Cashback', 'multipass', 'coupon', 'gift'])
      expect(countsInPoints(report, type)).toBe(false);
  });
});

describe('loadDialects', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dialects-'));
    cpSync(join(configDir, 'dialects'), join(folder, 'dialects'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const edit = (change: (json: Record<string, unknown>) => void) => {
    const file = join(folder, 'dialects', 'report.json');
    const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    change(json);
    writeFileSync(file, JSON.stringify(json));
  };
  const mistakes = (): string[] => {
    try {
      loadDialects(folder);
      return [];
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  };

  it('accepts what is checked in', () => expect(mistakes()).toEqual([]));

  it('has one line per mistake, with file and field', () => {
    edit((json) => {
      json.auth = 'basic';
      json.statusWords = { frozen: { axis: 'admin', value: 'frozen' } };
      json.colour = 'red';
    });
    const lines = mistakes();
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).toMatch(/config\/dialects\/report\.json: auth: /);
    expect(lines.join('\n')).toMatch(/config\/dialects\/report\.json: statusWords\.frozen\.value: /);
    expect(lines.join('\n')).toMatch(/colour/);
  });

  it('refuses a capability without its call, and a type that is both points and not', () => {
    edit((json) => {
      delete (json.paths as Record<string, unknown>).push;
      (json.pointsCardTypes as string[]).push('stamp');
    });
    expect(mistakes()).toEqual([
      'config/dialects/report.json: otherCardTypes: "stamp" stands in pointsCardTypes too',
      'config/dialects/report.json: paths.push: missing, although push is true',
    ]);
  });

  it('refuses a name that is not the name of the file, and what is no JSON', () => {
    edit((json) => (json.name = 'other'));
    expect(mistakes()).toEqual(['config/dialects/report.json: name: "other" has to be the name of the file']);
    writeFileSync(join(folder, 'dialects', 'report.json'), '{');
    expect(mistakes()[0]).toMatch(/^config\/dialects\/report\.json: not readable as JSON: /);
  });

  it('says when the folder is missing', () => {
    rmSync(join(folder, 'dialects'), { recursive: true });
    expect(mistakes()[0]).toMatch(/^config\/dialects: not readable: /);
  });
});
