import { exchangeMatches } from './faults.ts';
import type { CallFilter, Exchange } from './types.ts';

/** Without the journal only the last exchanges are kept, for the control page. */
const RECENT_KEPT = 200;
/** Calls are counted for as long as this; nobody counts further back. */
const CALLS_KEPT = 200_000;

/** Without headers and bodies, so that keeping many is cheap. */
type SeenCall = Pick<Exchange, 'method' | 'path' | 'status'>;

/** What was asked and answered. */
export interface Journal {
  exchanges: Exchange[];
  /** Answers the counted call, whose status is set when it has been answered. */
  add(exchange: Exchange): SeenCall;
  count(filter?: CallFilter): number;
}

export function createJournal(keepAll: boolean): Journal {
  const exchanges: Exchange[] = [];
  let calls: SeenCall[] = [];
  return {
    exchanges,
    add(exchange) {
      exchanges.push(exchange);
      if (!keepAll && exchanges.length > RECENT_KEPT) exchanges.shift();
      const call: SeenCall = { method: exchange.method, path: exchange.path, status: 0 };
      calls.push(call);
      if (calls.length > CALLS_KEPT) calls = calls.slice(CALLS_KEPT / 2);
      return call;
    },
    count: (filter = {}) => calls.filter((call) => exchangeMatches(filter, call)).length,
  };
}
