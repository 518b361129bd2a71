import { recordOf } from '../../answer.ts';
import { type CardSeen, cardValues, type CustomerSeen, customerValues } from './schemas.ts';

export type Names = Readonly<Record<string, string>>;

/** Our names instead of theirs, by a table of dotted places in the answer. What is not there is left out. */
export function renamed(body: unknown, names: Names): Record<string, unknown> {
  const found = Object.entries(names).flatMap(([ours, place]) => {
    const value = place.split('.').reduce<unknown>((at, key) => recordOf(at)?.[key], body);
    return value === undefined ? [] : [[ours, value] as const];
  });
  return Object.fromEntries(found);
}

/** Their names instead of ours; a property that the table does not name or that is undefined is not sent. */
export function bodyOf(values: Record<string, unknown>, names: Names): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([ours, theirs]) =>
      values[ours] === undefined ? [] : [[theirs, values[ours]] as const],
    ),
  );
}

const defined = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

const textOf = (value: unknown): string | null | undefined =>
  typeof value === 'number' ? String(value) : typeof value === 'string' || value === null ? value : undefined;

/** One card. Inside a customer it may be named `id` instead of `card_id`. Null when it has no id: there is nothing to tie it to. */
export function cardSeen(body: unknown, names: Names): CardSeen | null {
  const raw = recordOf(body) ?? {};
  const named = renamed(body, names);
  const parsed = cardValues.safeParse({ ...named, cardId: named['cardId'] ?? raw['id'] ?? raw['serial_number'] });
  if (!parsed.success) return null;
  const { cardId, customerId, status, balance } = parsed.data;
  const templateId = textOf(raw['template_id'] ?? raw['templateId']);
  const cardType = textOf(raw['card_type'] ?? raw['type']);
  return defined({ cardId, customerId, status, balance, templateId, cardType, raw }) as CardSeen;
}

/** One customer with segments and cards. Null when it has no id. */
export function customerSeen(body: unknown, names: Names, cardNames: Names): CustomerSeen | null {
  const raw = recordOf(body) ?? {};
  const named = renamed(body, names);
  const parsed = customerValues.safeParse({ ...named, customerId: named['customerId'] ?? raw['id'] });
  if (!parsed.success) return null;
  const { customerId, firstName, lastName, email, phone, segments, cards } = parsed.data;
  const seen = cards?.flatMap((card) => cardSeen(card, cardNames) ?? []);
  return defined({
    customerId,
    firstName,
    lastName,
    email,
    phone,
    segments,
    cards: cards === null ? null : seen,
    raw,
  }) as CustomerSeen;
}
