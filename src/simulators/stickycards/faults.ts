import type { CallFilter, Exchange, Fault } from './types.ts';

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  list(): Fault[];
  /** The first fault that strikes this call; its count goes down. */
  strike(method: string, path: string): Fault | undefined;
}

/** A string is a prefix. */
const pathMatches = (wanted: RegExp | string | undefined, path: string): boolean =>
  wanted === undefined || (typeof wanted === 'string' ? path.startsWith(wanted) : path.search(wanted) >= 0);
const methodMatches = (wanted: string | undefined, method: string): boolean =>
  wanted === undefined || wanted.toUpperCase() === method;

export const exchangeMatches = (filter: CallFilter, exchange: Pick<Exchange, 'method' | 'path' | 'status'>): boolean =>
  methodMatches(filter.method, exchange.method) &&
  pathMatches(filter.path, exchange.path) &&
  (filter.status === undefined || filter.status === exchange.status);

export function createFaults(): Faults {
  let armed: { fault: Fault; seen: number; struck: number }[] = [];
  return {
    add: (fault) => void armed.push({ fault, seen: 0, struck: 0 }),
    clear: () => void (armed = []),
    list: () => armed.map(({ fault }) => fault),
    strike(method, path) {
      for (const each of armed) {
        if (!methodMatches(each.fault.method, method) || !pathMatches(each.fault.path, path)) continue;
        each.seen += 1;
        if (each.seen % (each.fault.every ?? 1) !== 0) continue;
        each.struck += 1;
        armed = armed.filter(({ fault, struck }) => fault.times === undefined || struck < fault.times);
        return each.fault;
      }
      return undefined;
    },
  };
}
