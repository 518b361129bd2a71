import { inTurn } from '../turns.ts';

/**
 * One after the other per customer: segments are read, changed and written as a whole set, and of two who do that at
 * the same moment (a run and a workflow's action) one would undo the other.
 */
export const inSegmentTurn = <T>(store: object, customerId: string, work: () => Promise<T>): Promise<T> =>
  inTurn(store, `segments ${customerId}`, work);
