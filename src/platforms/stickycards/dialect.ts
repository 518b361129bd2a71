import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../../errors.ts';

/** What an API can do; what is false is said at once ("cannot be written by API"), never tried (SPEC §4). */
export const CAPABILITIES = [
  'createCustomer',
  'contactWrite',
  'phoneChange',
  'segmentsWrite',
  'statusWrite',
  'preferencesWrite',
  'balanceWrite',
  'issueCard',
  'push',
  'read',
  'list',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export const INSTALL_STATUSES = ['issued', 'installed', 'removed', 'expired'] as const;
export const ADMIN_STATUSES = ['active', 'inactive', 'suspended'] as const;
export type InstallStatus = (typeof INSTALL_STATUSES)[number];
export type AdminStatus = (typeof ADMIN_STATUSES)[number];

const word = z.string().min(1);
const names = z.record(word, word);
/** Words are compared lower case, with `_` for blanks and dashes: "Not installed" is `not_installed`. */
const canonicalWord = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
const canonicalKey = word.refine((key) => canonicalWord(key) === key, 'has to be lower case, with _ between words');

const callSchema = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  /** Below the base URL; `{customerId}` and the like are filled in, encoded. */
  path: z.string().startsWith('/'),
  /** Our name → theirs. A property that is not named here is not sent. */
  body: names.default({}),
  query: names.default({}),
  /** Our name → where it stands in the answer, dotted. */
  answer: names.default({}),
});

const statusSchema = z.discriminatedUnion('axis', [
  z.strictObject({ axis: z.literal('install'), value: z.enum(INSTALL_STATUSES) }),
  z.strictObject({ axis: z.literal('admin'), value: z.enum(ADMIN_STATUSES) }),
]);

const dialectSchema = z
  .strictObject({
    name: word,
    title: word,
    /** null = every account has its own; the connection has to name it. */
    baseUrl: z.url().nullable(),
    auth: z.enum(['bearer', 'x-api-key']),
    requestsPerSecond: z.number().positive(),
    /** What its webhooks usually look like; the parser reads both. */
    envelope: z.enum(['flat', 'native']),
    capabilities: z.strictObject(
      Object.fromEntries(CAPABILITIES.map((name) => [name, z.boolean()])) as Record<Capability, z.ZodBoolean>,
    ),
    paths: z.record(word, callSchema),
    /** By card type, where adding points is a call of its own per type (reference §3). */
    balanceOperations: z.record(
      canonicalKey,
      z.strictObject({ add: word, subtract: word, field: word, integer: z.boolean() }),
    ),
    statusWords: z.record(canonicalKey, statusSchema),
    /** How an admin status is spelled when we write it. */
    statusWrites: z.partialRecord(z.enum(ADMIN_STATUSES), word),
    segments: z.strictObject({
      /** Is `segments[]` of a delivery everything the customer is in, or only what the event mentions? */
      eventListIsWholeSet: z.boolean(),
      readListIsWholeSet: z.boolean(),
      /** A customer is in one segment at a time: linking one leaves the others. */
      exclusive: z.boolean(),
    }),
    /** Payments of people without a card that we know are the account's own bills (SPEC §2.3). */
    paymentsAreAccountBilling: z.boolean(),
    pointsCardTypes: z.array(canonicalKey),
    otherCardTypes: z.array(canonicalKey),
    knownEvents: z.array(word).min(1),
  })
  .superRefine((dialect, context) => {
    const complain = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const type of dialect.pointsCardTypes) {
      if (dialect.otherCardTypes.includes(type))
        complain(['otherCardTypes'], `"${type}" stands in pointsCardTypes too`);
    }
    for (const [index, event] of dialect.knownEvents.entries()) {
      if (dialect.knownEvents.indexOf(event) !== index)
        complain(['knownEvents', String(index)], `"${event}" stands there twice`);
    }
    for (const status of dialect.capabilities.statusWrite ? ADMIN_STATUSES : []) {
      if (dialect.statusWrites[status] === undefined)
        complain(['statusWrites', status], 'missing, although statusWrite is true');
    }
    for (const [name, calls] of Object.entries(CALLS_OF)) {
      const missing =
        dialect.capabilities[name as Capability] && !calls.some((call) => dialect.paths[call] !== undefined);
      if (missing) complain(['paths', calls[0]], `missing, although ${name} is true`);
    }
  });

/** The calls that a capability needs, one of each list. */
const CALLS_OF: Readonly<Record<Capability, readonly [string, ...string[]]>> = {
  createCustomer: ['upsertCustomer', 'createCustomer'],
  contactWrite: ['upsertCustomer', 'updateCustomer'],
  phoneChange: ['upsertCustomer', 'updateCustomer'],
  segmentsWrite: ['setSegments'],
  statusWrite: ['setCardStatus'],
  preferencesWrite: ['setPreferences'],
  balanceWrite: ['changeBalance'],
  issueCard: ['issueCard'],
  push: ['push'],
  read: ['readCustomer'],
  list: ['listCustomers'],
};

export type Dialect = z.infer<typeof dialectSchema>;
export type DialectCall = z.infer<typeof callSchema>;
export type CardStatus = z.infer<typeof statusSchema>;

function readDialect(file: string, shown: string): { dialect: Dialect } | { mistakes: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return { mistakes: [`${shown}: not readable as JSON: ${messageOf(error)}`] };
  }
  const parsed = dialectSchema.safeParse(json);
  if (!parsed.success) {
    return {
      mistakes: parsed.error.issues.map(
        (issue) => `${shown}: ${issue.path.map(String).join('.') || '(the whole file)'}: ${issue.message}`,
      ),
    };
  }
  if (parsed.data.name !== basename(file, '.json')) {
    return { mistakes: [`${shown}: name: "${parsed.data.name}" has to be the name of the file`] };
  }
  return { dialect: parsed.data };
}

/**
 * Every `<configDir>/dialects/*.json` by name, checked at the start. Throws AppError `config_invalid` whose message has
 * one line per mistake, with file and field.
 */
export function loadDialects(configDir: string): ReadonlyMap<string, Dialect> {
  const folder = join(configDir, 'dialects');
  let files: string[];
  try {
    files = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch (error) {
    throw new AppError('config_invalid', `config/dialects: not readable: ${messageOf(error)}`, { cause: error });
  }
  const mistakes: string[] = files.length === 0 ? ['config/dialects: holds no dialect'] : [];
  const dialects = new Map<string, Dialect>();
  for (const name of files) {
    const read = readDialect(join(folder, name), `config/dialects/${name}`);
    if ('mistakes' in read) mistakes.push(...read.mistakes);
    else dialects.set(read.dialect.name, read.dialect);
  }
  if (mistakes.length > 0) throw new AppError('config_invalid', mistakes.join('\n'), { details: { mistakes } });
  return dialects;
}

/** Which status a word of the platform is, on which of the two axes (SPEC §4); null = nothing said, or a word we do not know. */
export function statusOf(dialect: Pick<Dialect, 'statusWords'>, text: string | null): CardStatus | null {
  if (text === null) return null;
  const key = canonicalWord(text);
  return Object.hasOwn(dialect.statusWords, key) ? (dialect.statusWords[key] ?? null) : null;
}

/** Is the balance of such a card in points (SPEC §2.4)? A type that is not told, or that no table names, counts as points. */
export function countsInPoints(dialect: Pick<Dialect, 'otherCardTypes'>, cardType: string | null): boolean {
  return cardType === null || !dialect.otherCardTypes.includes(canonicalWord(cardType));
}

/** Does the platform know such an event at all? Of those it knows, only EVENT_TYPES do something (SPEC §2.3). */
export const isKnownEvent = (dialect: Pick<Dialect, 'knownEvents'>, type: string): boolean =>
  dialect.knownEvents.includes(type);
