import type { Fault } from './types.ts';

export interface Faults {
  add(fault: Fault): void;
  clear(): void;
  list(): Fault[];
  /** The first fault that strikes this call; its count goes down. */
  strike(call: FaultyCall): Fault | undefined;
}

export interface FaultyCall {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
}

/** Shared with the filter of `callCount`: a string is a prefix. */
export function pathMatches(wanted: RegExp | string | undefined, path: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? path.startsWith(wanted) : path.search(wanted) >= 0;
}

const concerns = (fault: Fault, call: FaultyCall): boolean =>
  (fault.method === undefined || fault.method.toUpperCase() === call.method) &&
  pathMatches(fault.path, call.path) &&
  (fault.when === undefined || fault.when(call));

export function createFaults(): Faults {
  let armed: { fault: Fault; seen: number; struck: number }[] = [];
  const spent = ({ fault, struck }: { fault: Fault; struck: number }): boolean =>
    fault.times !== undefined && struck >= fault.times;

  return {
    add: (fault) => void armed.push({ fault, seen: 0, struck: 0 }),
    clear: () => void (armed = []),
    list: () => armed.map(({ fault }) => fault),
    strike(call) {
      for (const each of armed) {
        if (!concerns(each.fault, call)) continue;
        each.seen += 1;
        if (each.seen % (each.fault.every ?? 1) !== 0) continue;
        each.struck += 1;
        armed = armed.filter((it) => !spent(it));
        return each.fault;
      }
      return undefined;
    },
  };
}
