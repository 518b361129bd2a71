import { z } from 'zod';
import { canonicalTag, type ValueType } from './canonical.ts';

const stagingColumns = [
  'stickycardsId',
  'email',
  'mobile',
  'firstName',
  'lastName',
  'cardId',
  'cardStatus',
  'cardInstalled',
  'loyaltyPoints',
  'cardInstalledDate',
  'cardIssuedDate',
  'lastActivity',
  'lastPurchaseDate',
  'referralCount',
  'optInStatus',
] as const;

const rowSchema = z.strictObject({
  key: z.string().regex(/^[a-z][a-z0-9_]*$/, 'use lower-case words joined by _'),
  /** How the custom field is called in GHL; GHL derives the field key from it. */
  label: z.string().min(1).optional(),
  staging: z.union([z.enum(stagingColumns), z.templateLiteral(['extra.', z.string().min(1)])]).optional(),
  ghl: z.enum(['custom', 'email', 'phone', 'firstName', 'lastName']),
  type: z.enum(['TEXT', 'NUMERICAL', 'DATE', 'email', 'phone', 'text']),
  direction: z.enum(['to_ghl', 'both', 'from_ghl']),
  owner: z.enum(['stickycards', 'ghl', 'us']),
  /** counter: both sides' changes count; command: a value typed in GHL acts once (SPEC §3.3). */
  merge: z.enum(['value', 'counter', 'command']).default('value'),
  /** The value belongs to the card that the contact shows. */
  ofCard: z.boolean().default(false),
});

export type FieldRow = z.infer<typeof rowSchema> & { valueType: ValueType };

/** What a connection changes of the field map: by key, the properties that differ; a whole new row; null leaves a row out. */
export type FieldMapOverrides = Record<string, Record<string, unknown> | null>;
/** What a connection changes of the tag map: the names that differ, in the groups of config/tag-map.json. */
export type TagMapOverrides = Record<string, Record<string, unknown>>;
export type GhlDataType = 'TEXT' | 'NUMERICAL' | 'DATE';

const valueTypes: Record<FieldRow['type'], ValueType> = {
  TEXT: 'text',
  text: 'text',
  NUMERICAL: 'number',
  DATE: 'date',
  email: 'email',
  phone: 'phone',
};

/** The field key that GHL derives from a label: lower-case words joined by `_` (reference/ghl.md §6). */
export const fieldKeyOf = (label: string): string =>
  label
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');

/**
 * Validates the field map (SPEC §2.4). Throws an Error whose lines each name the row and the remedy.
 * @param where what the lines begin with: the file, or the setting of a connection
 */
export function parseFieldMap(json: unknown, where = 'config/field-map.json'): FieldRow[] {
  const parsed = z.array(rowSchema).min(1).safeParse(json);
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues
        .map((issue) => `${where} ${placeOf(json, issue.path) || '(root)'}: ${issue.message}`)
        .join('\n'),
    );
  }
  const mistakes: string[] = [];
  const seen = new Set<string>();
  for (const row of parsed.data) {
    const at = `${where} row "${row.key}"`;
    if (seen.has(row.key)) mistakes.push(`${at}: the key stands twice; remove one`);
    seen.add(row.key);
    if (row.ghl === 'custom') {
      if (row.label === undefined) mistakes.push(`${at}: add a label, GHL shows it to people`);
      else if (fieldKeyOf(row.label) !== row.key) {
        mistakes.push(
          `${at}: GHL would make the key "${fieldKeyOf(row.label)}" of the label "${row.label}"; use a label that gives "${row.key}"`,
        );
      }
      if (!['TEXT', 'NUMERICAL', 'DATE'].includes(row.type))
        mistakes.push(`${at}: a custom field is TEXT, NUMERICAL or DATE`);
    }
    if (row.merge === 'counter' && row.type !== 'NUMERICAL') mistakes.push(`${at}: a counter is NUMERICAL`);
  }
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return parsed.data.map((row) => ({ ...row, valueType: valueTypes[row.type] }));
}

/** A row is named by its key: nobody counts rows. */
function placeOf(json: unknown, [index, ...rest]: readonly PropertyKey[]): string {
  const key = Array.isArray(json) ? (json[Number(index)] as { key?: unknown } | undefined)?.key : undefined;
  const names = rest.map(String);
  if (typeof key === 'string') return [`row "${key}"`, ...names].join(' ');
  return [...(index === undefined ? [] : [String(index)]), ...names].join('.');
}

const tagMapSchema = z.strictObject({
  derived: z.strictObject({
    card_holder: z.string().min(1),
    card_expired: z.string().min(1),
    referrer: z.string().min(1),
    inactive: z.string().min(1),
  }),
  commands: z.strictObject({ churned: z.string().min(1), reactivated: z.string().min(1) }),
  segments: z.strictObject({
    /** Put before a segment's name to make its tag. */
    prefix: z.string(),
    /** Which segments become tags: `*` stands for any text. */
    include: z.array(z.string().min(1)),
    exclude: z.array(z.string().min(1)),
  }),
});

export type TagMap = z.infer<typeof tagMapSchema>;

/** Validates the tag map; one tag cannot mean two things (SPEC §3.2). `where` as in parseFieldMap. */
export function parseTagMap(json: unknown, where = 'config/tag-map.json'): TagMap {
  const parsed = tagMapSchema.safeParse(json);
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map((issue) => `${where} ${issue.path.join('.') || '(root)'}: ${issue.message}`).join('\n'),
    );
  }
  const owners = new Map<string, string>();
  for (const [name, tag] of [...Object.entries(parsed.data.derived), ...Object.entries(parsed.data.commands)]) {
    const key = canonicalTag(tag);
    const other = owners.get(key);
    if (other !== undefined)
      throw new Error(`${where}: the tag "${tag}" stands for ${other} and for ${name}; use two names`);
    owners.set(key, name);
  }
  const { prefix, include, exclude } = parsed.data.segments;
  for (const segment of include.filter((pattern) => !pattern.includes('*'))) {
    const owner = owners.get(canonicalTag(prefix + segment));
    if (owner === undefined || exclude.some((pattern) => matches(pattern, segment))) continue;
    const tag = `the tag "${prefix + segment}" stands for ${owner} and for a segment`;
    throw new Error(`${where}: ${tag}; take "${segment}" out of segments.include, or use another name for ${owner}`);
  }
  return parsed.data;
}

const matches = (pattern: string, name: string): boolean => {
  const source = pattern
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 'u').test(name.toLowerCase());
};

/** The name in the map of the tag of ours (of an event, or of a command) that the tag of this segment would be; null = none. */
export function ownTagOf(map: TagMap, segment: string): string | null {
  const tag = canonicalTag(map.segments.prefix + segment);
  const ours = [...Object.entries(map.derived), ...Object.entries(map.commands)];
  return ours.find(([, own]) => canonicalTag(own) === tag)?.[0] ?? null;
}

/** The tag of a segment, in lower case; null when the map keeps it out or it would be one of our own tags. */
export function tagOfSegment(map: TagMap, segment: string): string | null {
  const included =
    map.segments.include.some((p) => matches(p, segment)) && !map.segments.exclude.some((p) => matches(p, segment));
  if (!included) return null;
  const tag = canonicalTag(map.segments.prefix + segment);
  return tag === '' || ownTagOf(map, segment) !== null ? null : tag;
}
