import { isOfTheSandbox, isStrongEnough } from './strength.ts';
import { nearest } from './suggest.ts';
import { type VariableName, variableNames, type Variables } from './variables.ts';

type Environment = Record<string, string | undefined>;
type Rule = (v: Partial<Variables>) => string | false | undefined;

/** What makes the connection `default`, and with it a configured start (SPEC §9). */
const OF_A_CONNECTION = /^(STICKY_CARDS|GHL|STICKER)_/;
/** The app's own credentials at GHL: they serve every connection and make none. */
const OF_THE_APP: readonly string[] = [
  'GHL_CLIENT_ID',
  'GHL_CLIENT_SECRET',
  'GHL_INSTALL_URL',
  'GHL_WEBHOOK_PUBLIC_KEY',
  'GHL_WEBHOOK_RSA_PUBLIC_KEY',
  'GHL_API_BASE_URL',
];

const isSet = (env: Environment, name: string) => (env[name]?.trim() ?? '') !== '';

/** Whether the environment says anything of a connection: then the sandbox stays off unless it is asked for. */
export const isConfigured = (env: Environment): boolean =>
  variableNames.some((name) => (OF_A_CONNECTION.test(name) || name === 'DATABASE_URL') && isSet(env, name));

/** Whether the environment describes the connection `default`. */
export const hasDefaultConnection = (env: Environment): boolean =>
  variableNames.some((name) => OF_A_CONNECTION.test(name) && !OF_THE_APP.includes(name) && isSet(env, name));

/** Names that look like ours and are not: a typing mistake here would silently switch something off. */
export function unknownNames(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => /^(STICKY|GHL|STICKER)_/.test(name) && !variableNames.includes(name as VariableName))
    .map((name) => {
      const meant = nearest(name, variableNames);
      return `${name}: is not a known variable${meant ? ` (did you mean ${meant}?)` : ''}: rename it or take it out`;
    });
}

const SHOWN = 'make one with: openssl rand -base64 32';

const secretsOfProduction: Rule[] = [
  (v) => v.SANDBOX === true && 'SANDBOX: cannot be on in production (its secrets are known to everybody): take it out',
  (v) => !v.ENCRYPTION_KEY && `ENCRYPTION_KEY: is required in production (32 bytes, base64 or hex): ${SHOWN}`,
  (v) => !v.ADMIN_TOKEN && `ADMIN_TOKEN: is required in production (the API's bearer token): ${SHOWN}`,
  (v) => !v.ADMIN_PASSWORD && 'ADMIN_PASSWORD: is required in production (the first login): choose a long one',
  (v) =>
    v.ENCRYPTION_KEY?.some(({ key }) => new Set(key).size < 8) &&
    `ENCRYPTION_KEY: is not random (the same few bytes repeat): ${SHOWN}`,
  (v) =>
    v.ADMIN_TOKEN !== undefined &&
    !isStrongEnough(v.ADMIN_TOKEN, 16) &&
    `ADMIN_TOKEN: is too weak for production (at least 16 characters, no default word): ${SHOWN}`,
  (v) =>
    v.ADMIN_PASSWORD !== undefined &&
    !isStrongEnough(v.ADMIN_PASSWORD, 8) &&
    'ADMIN_PASSWORD: is too weak for production: at least 8 characters and no default word',
  ...(['STICKY_CARDS_WEBHOOK_SECRET', 'GHL_WORKFLOW_KEY', 'STICKER_WEBHOOK_SECRET'] as const).map(
    (name): Rule =>
      (v) =>
        [v[name] ?? []].flat().some((secret) => !isStrongEnough(secret, 8)) &&
        `${name}: is too weak for production: at least 8 characters and no default word`,
  ),
  ...(['GHL_ACCESS_TOKEN', 'STICKY_CARDS_API_KEY'] as const).map(
    (name): Rule =>
      (v) =>
        isOfTheSandbox(v[name] ?? '') &&
        `${name}: is the one of the sandbox, known to everybody: set your account's own`,
  ),
];

const together = (first: VariableName, second: VariableName, why: string): Rule[] => [
  (v) => v[first] !== undefined && v[second] === undefined && `${second}: is missing beside ${first}: ${why}`,
  (v) => v[second] !== undefined && v[first] === undefined && `${first}: is missing beside ${second}: ${why}`,
];

const always: Rule[] = [
  ...together('GHL_PIPELINE_ID', 'GHL_PIPELINE_STAGE_ID', 'an opportunity needs both; set it or take both out'),
  ...together('GHL_CLIENT_ID', 'GHL_CLIENT_SECRET', 'OAuth needs both; copy it from the app in the GHL marketplace'),
  (v) =>
    v.GHL_ACCESS_TOKEN !== undefined &&
    v.GHL_LOCATION_ID === undefined &&
    'GHL_LOCATION_ID: is missing beside GHL_ACCESS_TOKEN: copy it from Settings > Business Profile of the location',
  (v) =>
    v.GHL_LOCATION_ID !== undefined &&
    v.GHL_ACCESS_TOKEN === undefined &&
    v.GHL_CLIENT_ID === undefined &&
    'GHL_ACCESS_TOKEN: is missing beside GHL_LOCATION_ID: make a Private Integration in the location and set its token',
  (v) =>
    v.STICKER_PARTNER_ORG_ID !== undefined &&
    v.STICKER_WEBHOOK_SECRET === undefined &&
    'STICKER_WEBHOOK_SECRET: is missing beside STICKER_PARTNER_ORG_ID: set the secret that Sticker signs with',
  (v) =>
    v.STICKY_CARDS_API_KEY !== undefined &&
    (v.STICKY_CARDS_DIALECT ?? 'report') === 'report' &&
    v.STICKY_CARDS_API_BASE_URL === undefined &&
    'STICKY_CARDS_API_BASE_URL: is missing beside STICKY_CARDS_API_KEY: set the address of your Sticky Cards API',
  (v) =>
    v.STICKY_CARDS_API_KEY !== undefined &&
    v.STICKY_CARDS_DIALECT === 'sticky' &&
    v.STICKY_CARDS_WORKSPACE === undefined &&
    'STICKY_CARDS_WORKSPACE: is missing: the dialect "sticky" names a workspace in every call; copy its id',
];

const ofDefaultConnection: Rule[] = [
  (v) =>
    v.STICKY_CARDS_WEBHOOK_SECRET === undefined &&
    (v.STICKY_CARDS_WEBHOOK_MODE ?? 'enforce') !== 'log-only' &&
    'STICKY_CARDS_WEBHOOK_SECRET: is missing: set the secret that Sticky Cards signs with ' +
      '(or STICKY_CARDS_WEBHOOK_MODE=log-only, which takes unsigned deliveries and flags them)',
];

/** Mistakes that show only when variables are seen together: one line each, the variable first, the remedy last. */
export function brokenRules(
  v: Partial<Variables>,
  situation: { production: boolean; defaultConnection: boolean },
): string[] {
  const rules = [
    ...(situation.production ? secretsOfProduction : []),
    ...always,
    ...(situation.defaultConnection ? ofDefaultConnection : []),
  ];
  return rules.map((rule) => rule(v)).filter((line) => typeof line === 'string');
}
