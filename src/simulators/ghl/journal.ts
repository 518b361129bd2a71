import { pathMatches } from './faults.ts';
import type { CallFilter, Exchange } from './types.ts';

/** What was asked and answered. */
export interface Journal {
  exchanges: Exchange[];
  /** The counted call, whose status is set when it has been answered. */
  add(exchange: Exchange): SeenCall;
  count(filter?: CallFilter): number;
}

/** Without the journal only the last exchanges are kept, for the control page. */
const recentKept = 200;
/** Calls are counted for as long as this; nobody counts further back. */
const callsKept = 200_000;

/** Without headers and bodies, so that keeping many is cheap. */
export type SeenCall = Pick<Exchange, 'method' | 'path' | 'status'>;

export function createJournal(keepAll: boolean): Journal {
  const exchanges: Exchange[] = [];
  let calls: SeenCall[] = [];
  return {
    exchanges,
    add(exchange) {
      exchanges.push(exchange);
      if (!keepAll && exchanges.length > recentKept) exchanges.shift();
      const call: SeenCall = { method: exchange.method, path: exchange.path, status: 0 };
      calls.push(call);
      if (calls.length > callsKept) calls = calls.slice(callsKept / 2);
      return call;
    },
    count: ({ method, path, status } = {}) =>
      calls.filter(
        (call) =>
          (method === undefined || call.method === method.toUpperCase()) &&
          (status === undefined || call.status === status) &&
          pathMatches(path, call.path),
      ).length,
  };
}
