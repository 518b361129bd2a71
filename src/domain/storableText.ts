/** PostgreSQL stores neither NUL nor half of a surrogate pair; what is refused there is refused everywhere. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** How a refusal names such a text. */
export const NOT_STORABLE = 'holds a character that is no text (NUL, or half of an emoji): take it out';

/** The path of the first text in `value`, a name or what it names, that cannot be stored; null when there is none. */
export function unstorableIn(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return isStorable(value) ? null : path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, inner] of Object.entries(value)) {
    if (!isStorable(name)) return path;
    const found = unstorableIn(inner, path === '' ? name : `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}
