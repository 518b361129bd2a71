/** A whole number beyond 2^53, where numbers have gaps. */
const maybeRounded = (value: unknown): boolean => {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(maybeRounded);
  // Of JSON there are own names only.
  for (const name in value) if (maybeRounded((value as Record<string, unknown>)[name])) return true;
  return false;
};

const asSent = (_name: string, value: unknown, { source }: { source?: string } = {}): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? source
    : value;

/**
 * JSON of somebody else: integers that a number would round stay as they were sent, as text. They are ids, and two that
 * round to the same number are two people. Costs nothing where there is none. Throws as JSON.parse does.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  try {
    return maybeRounded(value) ? JSON.parse(text, asSent) : value;
  } catch (error) {
    // Nested so deep that only the plain parser gets to its end.
    if (error instanceof RangeError) return value;
    throw error;
  }
}
