/** A delivery about one invented person, in the flat envelope. */
export const at = (minute: number): string => new Date(Date.UTC(2026, 2, 20, 15, minute)).toISOString();

export const ana = {
  customer_id: 'cus_1',
  card_id: 'card_1',
  email: 'ana@example.com',
  phone_number: '+1 212 555 0142',
  first_name: 'Ana',
  last_name: 'Lee',
};

export const delivery = (
  type: string,
  minute: number,
  rest: Record<string, unknown> = {},
): Record<string, unknown> => ({
  event_type: type,
  timestamp: at(minute),
  ...ana,
  ...rest,
});

/** The n-th person, with an e-mail, a phone and a card of their own. */
export const person = (n: number): Record<string, unknown> => ({
  customer_id: `cus_${n}`,
  card_id: `card_${n}`,
  email: `person${n}@example.com`,
  phone_number: `+1212${String(5_550_000 + n)}`,
  first_name: `P${n}`,
  last_name: 'Lee',
});
