const turns = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * One after the other per name, in the order of asking; different names side by side. Only the lease's holder writes to a
 * remote side, so that one process is enough. `scope` is the store: whoever shares it shares the turns.
 */
export function inTurn<T>(scope: object, name: string, work: () => Promise<T>): Promise<T> {
  const ofScope = turns.get(scope) ?? new Map<string, Promise<unknown>>();
  turns.set(scope, ofScope);
  const mine = (ofScope.get(name) ?? Promise.resolve()).then(work);
  const end = mine
    .catch(() => undefined)
    .then(() => {
      if (ofScope.get(name) === end) ofScope.delete(name);
    });
  ofScope.set(name, end);
  return mine;
}
