import { afterEdit, type ConsentState } from './consentModel.ts';

export const DETAILS = ['firstName', 'lastName', 'email', 'phone'] as const;
export type Detail = (typeof DETAILS)[number];
export type Side = 'ghl' | 'stickycards';

export const SEGMENTS = ['Gold Club', 'VIP', 'Lunch', 'Über uns'] as const;
export type Segment = (typeof SEGMENTS)[number];

/** One record of both sides, and what a strict reader of SPEC §3.2 and §3.3 expects of it. */
export interface Person {
  n: number;
  /** Where it came from: only Sticky Cards, only GHL, or both knew it before. */
  origin: Side | 'both';
  customerId: string;
  contactId: string;
  /** Whether both sides were found in step, once. */
  linked: boolean;
  log: { atMs: number; text: string }[];
  /** Changes that people made, of either side. */
  changes: number;
  /** What each side showed when all was quiet, and what was changed since, in the order of time. */
  details: Record<
    Detail,
    { ghl: string | null; stickycards: string | null; edits: { side: Side; value: string | null }[] }
  >;
  segments: Map<Segment, { on: boolean; edits: { side: Side; on: boolean }[] }>;
  handTags: Set<string>;
  /** Start, till and edits of loyalty_points, by card. */
  points: Map<string, number>;
  /** Bonuses given, all of them. */
  bonus: number;
  /** By how much people moved points, in the order of time: in GHL, bonuses included, and each card at the till. */
  movedInGhl: number[];
  movedAtTill: Map<string, number[]>;
  bonusGiven: boolean;
  /** The operator emptied bonus_points, to type what is owed once the service has seen it. */
  bonusEmptied: boolean;
  /** What Sticky Cards may have been told about consent, by which of the states GHL was read in. */
  consent: ConsentState[];
  /** The last admin status that people ordered, by card. */
  admin: Map<string, string>;
  /** In this phase: somebody ordered a status; something happened to a card; points were edited. */
  statusTouched: boolean;
  cardsTouched: boolean;
  pointsEdited: boolean;
  /** Sticky Cards changed something that no event tells. */
  untold: boolean;
  /** Questions that an operator had to answer. */
  asked: string[];
}

export const newPerson = (n: number, origin: Person['origin']): Person => ({
  n,
  origin,
  customerId: '',
  contactId: '',
  linked: false,
  log: [],
  changes: 0,
  details: Object.fromEntries(
    DETAILS.map((detail) => [detail, { ghl: null, stickycards: null, edits: [] }]),
  ) as unknown as Person['details'],
  segments: new Map(SEGMENTS.map((name) => [name, { on: false, edits: [] }])),
  handTags: new Set(),
  points: new Map(),
  bonus: 0,
  movedInGhl: [],
  movedAtTill: new Map(),
  bonusGiven: false,
  bonusEmptied: false,
  consent: [{ word: null, dnd: false, optIn: true }],
  admin: new Map(),
  statusTouched: false,
  cardsTouched: false,
  pointsEdited: false,
  untold: false,
  asked: [],
});

/** Names, an e-mail and a phone of nobody else; `k` counts the person's own. */
export const nameOf = (n: number, k: number): string => `${['Zoë', 'Ana', 'O’Neil', 'José'][k % 4]} ${n}-${k}`;
export const emailOf = (n: number, k: number): string => `person${n}.${k}@example.com`;
export const phoneOf = (n: number, k: number): string => `+1212${String(2_000_000 + n * 100 + k)}`;

export const addPoints = (person: Person, cardId: string, points: number): void => {
  person.points.set(cardId, (person.points.get(cardId) ?? 0) + points);
};

/** The sums of all stretches: the service may book as one what was typed one after the other. */
const stretchesOf = (moves: readonly number[]): number[] =>
  moves.flatMap((_, from) => moves.slice(from).map((__, length) => sumOf(moves.slice(from, from + length + 1))));
const sumOf = (moves: readonly number[]) => moves.reduce((sum, by) => sum + by, 0);

/**
 * Whether the till would move the card by just what somebody typed in GHL. Where a booking's answer was lost, SPEC §3.5
 * takes it for booked when the card shows exactly that much more, and nothing tells the two apart.
 */
export function looksBooked(person: Person, cardId: string, by: number): boolean {
  const typed = new Set(stretchesOf(person.movedInGhl));
  const moves = [...(person.movedAtTill.get(cardId) ?? []), by];
  return moves.some((_, from) => typed.has(sumOf(moves.slice(from))));
}

export function noteAtTill(person: Person, cardId: string, by: number): void {
  person.movedAtTill.set(cardId, [...(person.movedAtTill.get(cardId) ?? []), by]);
}

export function noteDetail(person: Person, detail: Detail, side: Side, value: string | null): void {
  person.details[detail].edits.push({ side, value });
}

export function noteSegment(person: Person, name: Segment, side: Side, on: boolean): void {
  person.segments.get(name)?.edits.push({ side, on });
}

export function noteConsent(person: Person, now: { word: string | null; dnd: boolean }): void {
  person.consent = afterEdit(person.consent, now);
}
