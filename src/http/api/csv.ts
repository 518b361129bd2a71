import { reasonText } from '../../domain/reasonCodes.ts';
import type { CustomerShape } from './customerShape.ts';

export type Cell = string | number | Date | null;

/** Spreadsheets run a cell that begins like this as a formula, also behind blanks. */
const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;

function cellText(cell: Cell): string {
  if (cell === null) return '';
  // A number is a number: only text can hold somebody's formula.
  if (typeof cell === 'number') return String(cell);
  const text = cell instanceof Date ? cell.toISOString() : cell;
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** One line of CSV (RFC 4180) that no spreadsheet takes for a formula. */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(cellText).join(',')}\r\n`;

const COLUMNS: Record<string, (customer: CustomerShape) => Cell> = {
  customerId: (c) => c.customerId,
  connection: (c) => c.connection,
  syncStatus: (c) => c.syncStatus,
  reason: (c) => c.syncError?.code ?? null,
  reasonText: (c) => (c.syncError ? (reasonText(c.syncError.code)?.title ?? c.syncError.message) : null),
  email: (c) => c.email,
  mobile: (c) => c.mobile,
  firstName: (c) => c.firstName,
  lastName: (c) => c.lastName,
  cards: (c) => c.cards.length,
  cardId: (c) => c.cardId,
  cardStatus: (c) => c.cardStatus,
  cardInstalled: (c) => c.cardInstalled,
  loyaltyPoints: (c) => c.loyaltyPoints,
  cardInstalledDate: (c) => c.cardInstalledDate,
  cardIssuedDate: (c) => c.cardIssuedDate,
  lastActivity: (c) => c.lastActivity,
  lastPurchaseDate: (c) => c.lastPurchaseDate,
  referralCount: (c) => c.referralCount,
  segments: (c) => c.segments.join('; '),
  optInStatus: (c) => c.optInStatus,
  inactiveDays: (c) => c.inactiveDays,
  ghlContactId: (c) => c.ghlContactId,
  attempts: (c) => c.attempts,
  nextAttemptAt: (c) => c.nextAttemptAt,
};

/** The first line, behind the mark by which Excel knows UTF-8. */
export const customerCsvHead = (): string => `\u{feff}${csvLine(Object.keys(COLUMNS))}`;

export const customerCsvLine = (customer: CustomerShape): string =>
  csvLine(Object.values(COLUMNS).map((cellOf) => cellOf(customer)));
