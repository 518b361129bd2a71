import { z } from 'zod';
import { NOT_STORABLE, unstorableIn } from './storableText.ts';

/** What a GHL workflow can ask for (SPEC §3.4), as the address names it. */
export const ACTIONS = [
  'push',
  'issue-card',
  'add-points',
  'card-status',
  'segments',
  'preferences',
  'sync-contact',
] as const;
export type ActionName = (typeof ACTIONS)[number];

export const isAction = (name: string): name is ActionName => (ACTIONS as readonly string[]).includes(name);

const OWN_ROW = 'Action ';
/** The type that the inbox shows for a call of an action. */
export const inboxTypeOf = (action: ActionName): string => `${OWN_ROW}${action}`;
/** The action that such a row is about; null = the row is something else. */
export const actionOfType = (type: string | null): string | null =>
  type?.startsWith(OWN_ROW) === true ? type.slice(OWN_ROW.length) : null;

// Workflows send whatever their form makes of a value, mostly text: "50", "true", "a, b".

const text = (max: number) =>
  z.preprocess(
    (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
    z.string('has to be text').trim().min(1, 'is empty').max(max, `is longer than ${max} characters`),
  );

const WHOLE = /^[+-]?\d{1,15}(\.0+)?$/;
const points = z.preprocess(
  (value) => (typeof value === 'string' && WHOLE.test(value.trim()) ? Number(value) : value),
  z.int('has to be a whole number, such as 50 or -20').refine((n) => n !== 0, 'has to be other than 0'),
);

const YES = ['true', 'yes', '1', 'in', 'on'];
const NO = ['false', 'no', '0', 'out', 'off'];
const yesOrNo = z.preprocess((value) => {
  const word = String(value).trim().toLowerCase();
  return YES.includes(word) ? true : NO.includes(word) ? false : value;
}, z.boolean('has to be true or false'));

const status = z.preprocess(
  (value) => (typeof value === 'string' ? value.trim().toLowerCase() : value),
  z.enum(['active', 'inactive', 'suspended'], 'has to be active, inactive or suspended'),
);

const NAMES_MAX = 100;
const names = z.preprocess(
  listOf,
  z
    .array(z.string('holds something else than text').max(255, 'holds a name of more than 255 characters'))
    .max(NAMES_MAX, `names more than ${NAMES_MAX}`),
);

/** `["a", "b"]`, `a, b`, or the first as text; a name twice counts once. */
function listOf(value: unknown): unknown {
  let list = value;
  if (typeof value === 'string') {
    try {
      list = value.trim().startsWith('[') ? JSON.parse(value) : value.split(',');
    } catch {
      list = value.split(',');
    }
  }
  if (!Array.isArray(list)) return value;
  const trimmed = list.map((name: unknown) => (typeof name === 'string' ? name.normalize('NFC').trim() : name));
  const once = new Map(trimmed.map((name) => [typeof name === 'string' ? name.toLowerCase() : name, name]));
  return [...once.values()].filter((name) => name !== '');
}

/** The parameters of each action, by the names that a workflow uses. */
export const ACTION_PARAMETERS = {
  push: z.object({
    message: text(4000).describe('What the customer reads on the phone.'),
    title: text(200).optional().describe('The headline above it.'),
  }),
  'issue-card': z.object({
    template_id: text(255).optional().describe("The card template; the connection's own when left out."),
  }),
  'add-points': z.object({ points: points.describe('A whole number; negative to take points off.') }),
  'card-status': z.object({ status: status.describe('For the card that the contact shows.') }),
  segments: z
    .object({
      add: names.optional().describe('Segments to put the customer into.'),
      remove: names.optional().describe('Segments to take the customer out of.'),
    })
    .refine(({ add = [], remove = [] }) => add.length + remove.length > 0, {
      path: ['add'],
      message: 'is missing: name the segments to add, or those to remove under "remove"',
    })
    .refine(({ add = [], remove = [] }) => !meet(add, remove), {
      path: ['remove'],
      message: 'names a segment that is to be added too',
    }),
  preferences: z.object({ opt_in: yesOrNo.describe('true = the customer agrees to messages.') }),
  'sync-contact': z.object({}),
} as const satisfies Record<ActionName, z.ZodType>;

function meet(one: readonly string[], other: readonly string[]): boolean {
  const names = new Set(one.map((name) => name.toLowerCase()));
  return other.some((name) => names.has(name.toLowerCase()));
}

export type ActionParameters = {
  [A in ActionName]: { action: A } & z.output<(typeof ACTION_PARAMETERS)[A]>;
}[ActionName];

/** Who it is about: by id, else by phone and e-mail as the workflow wrote them. */
export interface ActionContact {
  contactId: string | null;
  phone: string | null;
  email: string | null;
}

export interface ActionCall {
  parameters: ActionParameters;
  contact: ActionContact;
  workflowId: string | null;
  /** `idempotency_key` of the body. */
  idempotencyKey: string | null;
}

/** What stops a call; `field` is the parameter as the workflow names it. */
export interface ActionMistake {
  field: string;
  detail: string;
}

type Body = Readonly<Record<string, unknown>>;

const isBody = (value: unknown): value is Body => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A merge field that is empty in GHL arrives as an empty text: that is nothing. */
const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

const textOf = (value: unknown): string | null =>
  (typeof value === 'string' || typeof value === 'number') && !isNothing(value) ? String(value).trim() : null;

/** Where and by whom a body says that it was sent. */
export function senderOf(body: Body): { locationId: string | null; key: string | null } {
  const location = isBody(body['location']) ? body['location'] : {};
  const custom = isBody(body['customData']) ? body['customData'] : {};
  return {
    locationId: textOf(location['id']) ?? textOf(body['location_id']) ?? textOf(custom['location_id']),
    key: textOf(custom['key']) ?? textOf(body['key']),
  };
}

/** `customData.action`: what a standard "Webhook" action asks for; null = nothing. */
export const askedBy = (body: Body): string | null =>
  isBody(body['customData']) ? textOf(body['customData']['action']) : null;

/** The body without the secret that it may carry: what is kept is shown to people. */
export function withoutSecret(body: Body): Body {
  const { key: _, ...rest } = body;
  if (!isBody(rest['customData'])) return rest;
  const { key: __, ...customData } = rest['customData'];
  return { ...rest, customData };
}

/**
 * Reads the call of an action (SPEC §3.4): parameters under `customData` or at the top level, of which the former count.
 * @param onlyCustom of the standard "Webhook" action, whose top level is the contact: a field of it is no parameter
 */
export function readActionCall(
  action: ActionName,
  body: Body,
  { onlyCustom = false }: { onlyCustom?: boolean } = {},
): ActionCall | ActionMistake {
  const custom = isBody(body['customData']) ? body['customData'] : {};
  const find = (name: string): unknown => {
    const places = onlyCustom ? [custom] : [custom, body];
    return places.flatMap((place) => [place[name], place[`${name}[]`]]).find((value) => !isNothing(value));
  };
  const either = (name: string): string | null => textOf(custom[name]) ?? textOf(body[name]);
  const contact = { contactId: either('contact_id'), phone: either('phone'), email: either('email') };
  if (contact.contactId === null && contact.phone === null && contact.email === null)
    return {
      field: 'contact_id',
      detail: 'contact_id is missing: write "contact_id": "{{contact.id}}", or name the contact by "phone" or "email".',
    };
  const shape: z.ZodType & { shape: object } = ACTION_PARAMETERS[action];
  const given = Object.fromEntries(Object.keys(shape.shape).map((name) => [name, find(name)]));
  const parsed = shape.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = String(issue?.path[0] ?? 'body');
    const missing = given[field] === undefined && issue?.code !== 'custom';
    return { field, detail: `${field} ${missing ? 'is missing' : (issue?.message ?? 'cannot be used')}.` };
  }
  const { contactId, ...reached } = contact;
  const unstorable = unstorableIn({ contact_id: contactId, ...reached, ...(parsed.data as object) });
  if (unstorable !== null) return { field: unstorable, detail: `${unstorable} ${NOT_STORABLE}.` };
  const workflow = isBody(body['workflow']) ? body['workflow'] : {};
  return {
    parameters: { action, ...(parsed.data as object) } as ActionParameters,
    contact,
    workflowId: textOf(workflow['id']) ?? either('workflow_id'),
    idempotencyKey: onlyCustom ? textOf(custom['idempotency_key']) : either('idempotency_key'),
  };
}

/** One text for equal parameters of one contact; whoever asks for the same again is told by it (SPEC §3.4). */
export const sameCall = ({ parameters, contact }: ActionCall): string =>
  JSON.stringify([
    Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    contact.contactId ?? [contact.phone, contact.email?.toLowerCase()],
  ]);
