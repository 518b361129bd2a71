const turns = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * One after the other per customer: segments are read, changed and written as a whole set, and of two who do that at
 * the same moment (a run and a workflow's action) one would undo the other. Only the lease's holder writes, so that one
 * process is enough.
 */
export function inSegmentTurn<T>(store: object, customerId: string, work: () => Promise<T>): Promise<T> {
  const ofStore = turns.get(store) ?? new Map<string, Promise<unknown>>();
  turns.set(store, ofStore);
  const mine = (ofStore.get(customerId) ?? Promise.resolve()).then(work);
  const end = mine
    .catch(() => undefined)
    .then(() => {
      if (ofStore.get(customerId) === end) ofStore.delete(customerId);
    });
  ofStore.set(customerId, end);
  return mine;
}
