/** A number as text of 16 digits may lie beyond 2^53; nothing shorter does. */
const MAY_BE_ROUNDED = /\d{16}/;

const asSent = (_name: string, value: unknown, { source }: { source?: string } = {}): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? source
    : value;

/**
 * JSON of somebody else: integers that a number would round stay as they were sent, as text. They are ids, and two that
 * round to the same number are two people. Costs nothing where there is none. Throws as JSON.parse does.
 */
export function parseExactly(text: string): unknown {
  if (!MAY_BE_ROUNDED.test(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, asSent);
  } catch (error) {
    // Nested so deep that only the plain parser gets to its end.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}
