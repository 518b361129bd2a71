/**
 * What a search sees: the records as they were `lagMs` ago (ghl.md §5.3: the search index lags behind writes). Records
 * are never changed in place, so that the index can keep the old ones by reference.
 */
export interface LaggedIndex<T> {
  /** `record` undefined = deleted. `settled`: seen at once, for records that are there from the beginning. */
  put(id: string, record: T | undefined, settled?: boolean): void;
  all(): ReadonlyMap<string, T>;
  /** All records by ascending (value, id); kept between calls for as long as nothing changed. */
  sortedBy(value: (record: T) => number): readonly T[];
}

export function createLaggedIndex<T extends { id: string }>(now: () => number, lagMs: number): LaggedIndex<T> {
  const records = new Map<string, T>();
  let waiting: { visibleAtMs: number; id: string; record: T | undefined }[] = [];
  const sorted = new Map<(record: T) => number, readonly T[]>();

  const apply = (id: string, record: T | undefined): void => {
    // A changed record goes to the end, so the map stays nearly in order of change and sorting it anew stays linear.
    records.delete(id);
    if (record !== undefined) records.set(id, record);
    sorted.clear();
  };

  const catchUp = (): void => {
    const at = now();
    const first = waiting.findIndex((change) => change.visibleAtMs > at);
    const due = first === -1 ? waiting : waiting.slice(0, first);
    if (due.length === 0) return;
    waiting = first === -1 ? [] : waiting.slice(first);
    for (const change of due) apply(change.id, change.record);
  };

  return {
    put(id, record, settled = false) {
      if (lagMs === 0 || settled) {
        apply(id, record);
        return;
      }
      waiting.push({ visibleAtMs: now() + lagMs, id, record });
      // Nobody may ever search: what is due does not pile up.
      if (waiting.length > 5_000) catchUp();
    },
    all() {
      catchUp();
      return records;
    },
    sortedBy(value) {
      catchUp();
      const known = sorted.get(value);
      if (known) return known;
      const made = [...records.values()].toSorted((a, b) => value(a) - value(b) || (a.id < b.id ? -1 : 1));
      sorted.set(value, made);
      return made;
    },
  };
}
