import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js';
import { flag, listOf, nullable, object, oneOf, text, textList, anything, type Shape } from './bodyRules.ts';
import type { ContactChange } from './contactStore.ts';
import { customFieldChanges } from './customValues.ts';
import { badRequest, unprocessable } from './refusals.ts';
import { standardFields, type SimulatedLocation, type StandardField, type World } from './world.ts';
import type { DndSettings } from './types.ts';

const dndSetting = object({ status: oneOf('active', 'inactive', 'permanent'), message: text, code: text }, ['status']);

export const customFieldItems = listOf(
  object({ id: text, key: text, field_value: anything, value: anything, fieldValue: anything }),
);

/** UpdateContactDto: no locationId, no gender, no companyName (ghl.md §5.1, issues #313, #262). */
export const updateShape: Shape = {
  firstName: nullable(text),
  lastName: nullable(text),
  name: nullable(text),
  email: nullable(text),
  phone: nullable(text),
  address1: nullable(text),
  city: nullable(text),
  state: nullable(text),
  postalCode: text,
  website: nullable(text),
  timezone: nullable(text),
  dnd: flag,
  dndSettings: object({
    Call: dndSetting,
    Email: dndSetting,
    SMS: dndSetting,
    WhatsApp: dndSetting,
    GMB: dndSetting,
    FB: dndSetting,
  }),
  inboundDndSettings: object({ all: object({ status: oneOf('active', 'inactive'), message: text }, ['status']) }),
  tags: textList,
  customFields: customFieldItems,
  source: nullable(text),
  dateOfBirth: nullable(text),
  country: text,
  assignedTo: nullable(text),
};

export const createShape: Shape = {
  ...updateShape,
  locationId: text,
  gender: text,
  companyName: nullable(text),
  source: text,
  assignedTo: text,
};

export const upsertShape: Shape = { ...createShape, createNewIfDuplicateAllowed: flag };

/** Stored lower-case and trimmed, each once (ghl.md §5.4). */
export const normalTags = (tags: readonly string[]): string[] => [
  ...new Set(tags.map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== '')),
];

/** E.164 (ghl.md §5.5); what no phone network could have is refused. */
export function normalPhone(location: SimulatedLocation, phone: string): string {
  const parsed = parsePhoneNumberFromString(phone, location.country as CountryCode);
  if (!parsed?.isPossible()) throw badRequest(`Invalid phone number: phone ${phone} is not possible`);
  return parsed.number;
}

export function normalEmail(email: string): string {
  const trimmed = email.trim();
  if (!/^[^\s@,;<>()]+@[^\s@,;<>().]+(\.[^\s@,;<>().]+)+$/.test(trimmed)) {
    throw unprocessable(['email must be an email']);
  }
  return trimmed;
}

/** `YYYY-MM-DD` from the orders and separators of ghl.md §5.1. */
function normalDateOfBirth(value: string): string {
  const yearFirst = /^(\d{4})[-/._](\d{2})[-/._](\d{2})$/.exec(value);
  const yearLast = /^(\d{2})[-/._](\d{2})[-/._](\d{4})$/.exec(value);
  const day = yearFirst
    ? `${yearFirst[1]}-${yearFirst[2]}-${yearFirst[3]}`
    : yearLast && `${yearLast[3]}-${yearLast[1]}-${yearLast[2]}`;
  if (!day || Number.isNaN(Date.parse(day))) throw unprocessable(['dateOfBirth must be a valid date']);
  return day;
}

function splitName(name: string): { firstName: string; lastName: string } {
  const [firstName = '', ...rest] = name.trim().split(/\s+/);
  return { firstName, lastName: rest.join(' ') };
}

/** A body that passed its whitelist as a change of a contact; `''` and `null` empty a field. */
export function changeFrom(world: World, location: SimulatedLocation, body: Record<string, unknown>): ContactChange {
  const named = typeof body.name === 'string' ? splitName(body.name) : {};
  const given: Record<string, unknown> = { ...named, ...body };
  const fields: Partial<Record<StandardField, string | null>> = {};
  for (const name of standardFields) {
    const value = given[name] as string | null | undefined;
    if (value === undefined) continue;
    if (value === null || value.trim() === '') fields[name] = null;
    else if (name === 'phone') fields.phone = normalPhone(location, value);
    else if (name === 'email') fields.email = normalEmail(value);
    else if (name === 'dateOfBirth') fields.dateOfBirth = normalDateOfBirth(value);
    else fields[name] = value.trim();
  }
  return {
    fields,
    customFields: customFieldChanges(world, location, body.customFields),
    ...(body.tags === undefined ? {} : { tags: normalTags(body.tags as string[]) }),
    ...(body.dnd === undefined ? {} : { dnd: body.dnd as boolean }),
    ...(body.dndSettings === undefined ? {} : { dndSettings: body.dndSettings as DndSettings }),
  };
}
