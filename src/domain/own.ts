/**
 * What stands under a name that somebody else chose (a segment, a tag, a currency): a plain object answers to `constructor`
 * and `__proto__` too, and those are no entries of it.
 */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
