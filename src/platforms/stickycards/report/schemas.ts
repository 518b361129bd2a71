import { z } from 'zod';

// Loose: ids may come as numbers, unknown properties pass, only what is used is required (SPEC §4, the report dialect).

/** Not `.` or `..`: in an address they name what stands above the record. */
export const id = z.union([z.string().regex(/^(?!\.{1,2}$)[^]/), z.number()]).transform(String);
const text = z.string().nullish();
/** A balance as a number or as a numeric text; anything else is "not told". */
export const amount = z.unknown().transform((value): number | null | undefined => {
  if (value === null || value === undefined) return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
});

export const cardValues = z.looseObject({
  cardId: id,
  customerId: id.nullish(),
  status: text,
  // A transform alone asks for the property: a card that is shown without a balance is a card all the same.
  balance: amount.optional(),
});

export const customerValues = z.looseObject({
  customerId: id,
  firstName: text,
  lastName: text,
  email: text,
  phone: z.union([z.string(), z.number().transform(String)]).nullish(),
  segments: z.array(z.union([z.string(), z.looseObject({ name: z.string() }).transform(({ name }) => name)])).nullish(),
  cards: z.array(z.looseObject({})).nullish(),
});

export const pageValues = z.looseObject({
  items: z.array(z.looseObject({})),
  page: z.coerce.number().nullish(),
  totalPages: z.coerce.number().nullish(),
});

/** A card as an answer shows it; what the answer leaves out is absent. */
export interface CardSeen {
  cardId: string;
  customerId?: string | null;
  /** A status word of the platform: `statusOf` of the dialect says which status it is. */
  status?: string | null;
  balance?: number | null;
  templateId?: string | null;
  cardType?: string | null;
  /** Every property as it came, in their names: install and issue times, counters. */
  raw: Record<string, unknown>;
}

export interface CustomerSeen {
  customerId: string;
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  phone?: string | null;
  segments?: string[] | null;
  cards?: CardSeen[] | null;
  raw: Record<string, unknown>;
}
