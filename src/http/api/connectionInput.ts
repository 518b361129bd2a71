import { isSupportedCountry } from 'libphonenumber-js';
import { z } from 'zod';
import type { ConnectionMaps } from '../../domain/mapOverrides.ts';
import { rowsWith, tagMapWith } from '../../domain/mapOverrides.ts';
import { messageOf } from '../../errors.ts';
import { oneOf } from './input.ts';

const wrongText = 'write it as text, or null to empty it';
const text = z.string({ error: wrongText }).trim().min(1, 'is empty: use null to empty it').max(1000, 'is too long');
const textOrNull = text.nullable().optional();

/** Secrets are kept as they are sent: a blank at the end may belong to them. */
const secret = z.string({ error: wrongText }).min(1, 'is empty: use null to empty it').max(10_000, 'is too long');
const secretOrNull = secret.nullable().optional();

const webAddress = text
  .refine((value) => {
    if (!URL.canParse(value)) return false;
    const url = new URL(value);
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '';
  }, 'write a web address without user name and password, as in https://api.example.com')
  .transform((value) => value.replace(/\/+$/, ''));

const country = text
  .transform((value) => value.toUpperCase())
  .refine(
    (value) => /^[A-Z]{2}$/.test(value) && isSupportedCountry(value),
    'use the two letters of ISO 3166, as in US, GB or DE',
  );

const timeZone = text.refine((value) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}, 'use the name of a time zone, as in America/New_York');

const flag = z.boolean({ error: 'use true or false' });

const settings = {
  ghlLocationId: textOrNull,
  ghlApiBaseUrl: webAddress.optional(),
  pipelineId: textOrNull,
  stageId: textOrNull,
  stickyCardsApiBaseUrl: webAddress.nullable().optional(),
  stickyCardsWorkspace: textOrNull,
  stickyCardsWebhookMode: oneOf(['enforce', 'log-only', 'path-secret']).optional(),
  stickyCardsTemplateId: textOrNull,
  balanceMode: oneOf(['delta', 'absolute']).optional(),
  createCustomers: text.regex(/^(all|off|tag:\s*\S.*)$/, 'use all, off, or tag: and the name of a tag').optional(),
  lowRating: z.int({ error: 'use a whole number from 0 to 5' }).min(0).max(5).optional(),
  pointsLimit: z
    .int({ error: 'use a whole number from 0 (every change waits for a person) to 1000000' })
    .min(0)
    .max(1_000_000)
    .optional(),
  stickerPartnerOrgId: textOrNull,
  defaultCountry: country.optional(),
  timeZone: timeZone.nullable().optional(),
  test: flag.optional(),
  ghlAccessToken: secretOrNull,
  ghlWorkflowKey: secretOrNull,
  stickyCardsApiKey: secretOrNull,
  stickyCardsWebhookSecrets: z
    .array(secret, { error: 'write a list of one or two secrets, the new one first' })
    .max(2, 'holds more than two secrets: keep the new one and the one before')
    .optional(),
  stickerWebhookSecret: secretOrNull,
};

/** Objects by name; what they hold is checked against the map that they change. */
const overrides = <T>(value: z.ZodType<T>, check: (overrides: Record<string, T>) => unknown) =>
  z
    .record(z.string(), value, { error: 'write an object, or null to go by the map in config/' })
    .superRefine((given, context) => {
      try {
        check(given);
      } catch (error) {
        const message = messageOf(error)
          .split('\n')
          .map((line) => line.replace(/^(fieldMap|tagMap):? /, ''))
          .join('; ');
        context.addIssue({ code: 'custom', message });
      }
    })
    .nullable()
    .optional();

const object = z.record(z.string(), z.unknown(), { error: 'write an object' });

/** What `config/` has: the dialects there is a table for, and the maps that a connection may change. */
export interface InputRules {
  dialects: readonly string[];
  maps: ConnectionMaps;
}

/** What may be written of a connection (SPEC §6.1). */
export const connectionInput = ({ dialects, maps }: InputRules) => {
  const dialect = oneOf(dialects).optional();
  const maySet = {
    dialect,
    ...settings,
    fieldMap: overrides(object.nullable(), (given) => rowsWith(maps.rows, given)),
    tagMap: overrides(object, (given) => tagMapWith(maps.tagMap, given)),
  };
  return {
    patch: z.strictObject(maySet),
    create: z.strictObject({
      name: text,
      mode: z
        .literal('observe', {
          error: 'a new connection starts in observe: make it live with POST /api/connections/:id/activate',
        })
        .optional(),
      generateSecrets: flag.optional(),
      ...maySet,
    }),
  };
};

/** The names that a patch may hold, for the command line. */
export const connectionInputNames = ['dialect', ...Object.keys(settings), 'fieldMap', 'tagMap'];

export const directionBody = z.strictObject({
  direction: oneOf(['stickycards_to_ghl', 'ghl_to_stickycards']).optional(),
});
