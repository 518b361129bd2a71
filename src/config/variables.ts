import { createPublicKey } from 'node:crypto';
import { isIP } from 'node:net';
import express from 'express';
import { isSupportedCountry } from 'libphonenumber-js';
import { validate as validCron } from 'node-cron';
import { z } from 'zod';

// One schema per variable of SPEC §9. A message reads on from the variable's name; it never repeats a secret.

type Check<T> = (text: string) => T | { wrong: string };

const isWrong = (value: unknown): value is { wrong: string } =>
  typeof value === 'object' && value !== null && 'wrong' in value;

/** A variable as text; set but empty counts as not set, as compose files and hosting panels write it. */
const variable = <T>(check: Check<T>) =>
  z
    .string()
    .optional()
    .transform((text, context): T | undefined => {
      const trimmed = text?.trim() ?? '';
      if (trimmed === '') return undefined;
      const value = check(trimmed);
      if (!isWrong(value)) return value;
      context.addIssue({ code: 'custom', message: value.wrong });
      return z.NEVER;
    });

const text = variable((value) => value);

const oneOf = <const T extends string>(...values: T[]) =>
  variable<T>((value) =>
    values.includes(value as T)
      ? (value as T)
      : { wrong: `is "${value}": use ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` },
  );

const wholeNumber = (min: number, max: number) =>
  variable<number>((value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max
      ? number
      : { wrong: `is "${value}": use a whole number from ${min} to ${max}` };
  });

const SWITCH: Record<string, boolean> = { on: true, '1': true, true: true, off: false, '0': false, false: false };

const onOff = variable<boolean>(
  (value) => SWITCH[value.toLowerCase()] ?? { wrong: `is "${value}": use on or off (1, 0, true and false do too)` },
);

const webAddress = (example: string) =>
  variable<string>((value) => {
    const wrong = { wrong: `is not a web address: write it like ${example}` };
    if (!URL.canParse(value)) return wrong;
    const url = new URL(value);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return wrong;
    if (url.username !== '' || url.password !== '') return { wrong: 'holds a user name or password: take it out' };
    return value.replace(/\/+$/, '');
  });

const databaseUrl = variable<string>((value) => {
  if (/^file:.+/.test(value) || /^postgres(ql)?:\/\/.+/.test(value)) return value;
  return { wrong: 'must start with file: or postgres://, as in file:./data/sync.db' };
});

const CRON_FIELDS = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day of month', 31],
  ['month', 12],
  ['day of week', 7],
] as const;

/** node-cron takes a step beyond its field and then runs at another pace than the operator wrote. */
function checkCron(value: string): string | { wrong: string } {
  const fields = value.split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    return { wrong: `is "${value}": write a cron expression of five fields, as in */5 * * * *` };
  }
  const names = fields.length === 6 ? CRON_FIELDS : CRON_FIELDS.slice(1);
  for (const [i, [name, size]] of names.entries()) {
    for (const step of (fields[i] as string).matchAll(/\/(\d+)/g)) {
      if (Number(step[1]) >= size) {
        return {
          wrong: `is "${value}": a step of ${step[1]} does not fit the field "${name}", use at most ${size - 1}`,
        };
      }
    }
  }
  if (!validCron(value)) return { wrong: `is "${value}": not a cron expression; use for example */5 * * * *` };
  return fields.join(' ');
}

const country = variable<string>((value) => {
  const code = value.toUpperCase();
  if (/^[A-Z]{2}$/.test(code) && isSupportedCountry(code)) return code;
  return { wrong: `is "${value}": use the two letters of ISO 3166, as in US, GB or DE` };
});

const webhookSecrets = variable<string[]>((value) => {
  const secrets = value.split(',').map((secret) => secret.trim());
  if (secrets.some((secret) => secret === ''))
    return { wrong: 'holds an empty secret: write one, or two with a comma' };
  if (secrets.length > 2) return { wrong: `holds ${secrets.length} secrets: two at most, the new one first` };
  return secrets;
});

export interface EncryptionKey {
  version: number;
  key: Buffer;
}

const keyBytes = (value: string): Buffer | null => {
  if (/^[0-9a-f]{64}$/i.test(value)) return Buffer.from(value, 'hex');
  const bytes = /^[\w+/-]+={0,2}$/.test(value) ? Buffer.from(value, 'base64') : Buffer.alloc(0);
  return bytes.length === 32 ? bytes : null;
};

const MAKE_KEY = 'make one with: openssl rand -base64 32';

/** `<key>` (version 1) or, while keys are being changed, `v2:<new>,v1:<old>`: the first one encrypts. */
const encryptionKeys = variable<EncryptionKey[]>((value) => {
  const keys: EncryptionKey[] = [];
  for (const part of value.split(',')) {
    const named = /^v(\d{1,4}):(.*)$/.exec(part.trim());
    const key = keyBytes(named ? (named[2] as string) : part.trim());
    if (!key) return { wrong: `must be 32 bytes in base64 or hex: ${MAKE_KEY}` };
    keys.push({ version: named ? Number(named[1]) : 1, key });
  }
  if (new Set(keys.map((k) => k.version)).size !== keys.length) {
    return { wrong: 'names two keys of one version: write v2:<new key>,v1:<old key>' };
  }
  return keys;
});

const publicKey = (type: 'ed25519' | 'rsa', words: Record<string, string> = {}) =>
  variable<string>((value) => {
    const word = words[value.toLowerCase()];
    if (word !== undefined) return word;
    const pem = value.replaceAll('\\n', '\n');
    try {
      if (createPublicKey(pem).asymmetricKeyType === type) return pem;
    } catch {
      // Said below.
    }
    return { wrong: `is not a public key of type ${type} in PEM form: leave it out to use the published key` };
  });

const retentionDays = variable<{ payloads: number; logs: number }>((value) => {
  const parts = value.split(',').map((part) => part.trim());
  const [payloads, logs] = parts.map((part) => (/^\d{1,5}$/.test(part) ? Number(part) : Number.NaN));
  if (payloads === undefined || parts.length > 2 || Number.isNaN(payloads) || Number.isNaN(logs ?? 0)) {
    return { wrong: `is "${value}": use days as 180, or 90,180 for raw payloads and logs; 0 keeps them for ever` };
  }
  return { payloads, logs: logs ?? payloads };
});

const ADDRESS_WORDS = ['loopback', 'linklocal', 'uniquelocal'];

/** Numbers are hops, words are switches, everything else goes to Express as it is (`loopback`, `10.0.0.0/8`). */
const trustProxy = variable<boolean | number | string>((value) => {
  if (/^\d{1,2}$/.test(value)) return Number(value);
  const known = SWITCH[value.toLowerCase()];
  if (known !== undefined) return known;
  const parts = value.split(',').map((part) => part.trim());
  const areAddresses = parts.every((part) => ADDRESS_WORDS.includes(part) || isIP(part.split('/')[0] as string) !== 0);
  if (areAddresses && expressTakes(value)) return value;
  return { wrong: `is "${value}": use the number of proxies (1), or their addresses, as in loopback, 10.0.0.0/8` };
});

/** Whether a range is one, Express knows best; it says so only by throwing. */
function expressTakes(proxies: string): boolean {
  try {
    express().set('trust proxy', proxies);
    return true;
  } catch {
    return false;
  }
}

/** What could be an address or a name; whether it is one of this machine shows when it listens there. */
const host = variable<string>((value) => {
  const isName = /^[\p{L}\p{N}_.-]+$/u.test(value) && URL.canParse(`http://${value}`);
  if (isIP(value) !== 0 || isName) return value;
  return { wrong: `is "${value}": write an address without port or scheme, as in 0.0.0.0, 127.0.0.1 or ::` };
});

export const variables = {
  NODE_ENV: text,
  PORT: wholeNumber(0, 65_535),
  HOST: host,
  DATABASE_URL: databaseUrl,
  SYNC_CRON: variable<string>(checkCron),
  SANDBOX: onOff,
  START_MODE: oneOf('observe', 'live'),
  SYNC_PAUSED: onOff,
  MASS_CHANGE_BRAKE: onOff,
  ENCRYPTION_KEY: encryptionKeys,
  ADMIN_TOKEN: text,
  ADMIN_PASSWORD: text,
  PUBLIC_URL: webAddress('https://sync.example.com'),
  TRUST_PROXY: trustProxy,
  LOG_LEVEL: oneOf('error', 'warn', 'info', 'debug'),
  ALERT_WEBHOOK_URL: webAddress('https://hooks.slack.com/services/…'),
  HEARTBEAT_URL: webAddress('https://hc-ping.com/…'),
  RETENTION_DAYS: retentionDays,
  DEFAULT_COUNTRY: country,
  STICKY_CARDS_DIALECT: oneOf('report', 'digitalwallet', 'sticky'),
  STICKY_CARDS_API_BASE_URL: webAddress('https://api.example.com'),
  STICKY_CARDS_API_KEY: text,
  STICKY_CARDS_WORKSPACE: text,
  STICKY_CARDS_WEBHOOK_SECRET: webhookSecrets,
  STICKY_CARDS_WEBHOOK_MODE: oneOf('enforce', 'log-only', 'path-secret'),
  STICKY_CARDS_BALANCE_MODE: oneOf('delta', 'absolute'),
  STICKY_CARDS_TEMPLATE_ID: text,
  STICKY_CARDS_TEST: onOff,
  GHL_API_BASE_URL: webAddress('https://services.leadconnectorhq.com'),
  GHL_LOCATION_ID: text,
  GHL_ACCESS_TOKEN: text,
  GHL_PIPELINE_ID: text,
  GHL_PIPELINE_STAGE_ID: text,
  GHL_CLIENT_ID: text,
  GHL_CLIENT_SECRET: text,
  GHL_INSTALL_URL: webAddress('https://marketplace.gohighlevel.com/v2/oauth/chooselocation'),
  GHL_WEBHOOK_PUBLIC_KEY: publicKey('ed25519'),
  GHL_WEBHOOK_RSA_PUBLIC_KEY: publicKey('rsa', { on: 'published', off: '' }),
  GHL_WORKFLOW_KEY: text,
  STICKER_WEBHOOK_SECRET: text,
  STICKER_PARTNER_ORG_ID: text,
} as const;

export type VariableName = keyof typeof variables;
export const variableNames = Object.keys(variables) as VariableName[];
export const environment = z.object(variables);
export type Variables = z.infer<typeof environment>;
