import { messageOf } from '../errors.ts';
import type { ApiError } from '../platforms/apiError.ts';
import type { CallRecord } from '../platforms/callApi.ts';
import { RunHalted } from './sidePause.ts';

/** After so many failures in passing in a row Sticky Cards counts as down for the rest of the run. */
const DOWN_AFTER_FAILURES = 5;

/** Whether Sticky Cards can be written to, as one run learns it; GHL goes on without it (SPEC §2.6). */
export interface StickyHealth {
  /** Told of every call. */
  heard(call: CallRecord): void;
  /** Told of every write that was refused or not answered. */
  failed(error: ApiError): void;
  /** Why the side is to be paused; null while it answers. */
  halt(): RunHalted | null;
  /** A call got through. */
  answered(): boolean;
}

/** `onHalt` is called once, when the side is given up for this run. */
export function createStickyHealth(onHalt: () => void): StickyHealth {
  let halt: RunHalted | null = null;
  let failures = 0;
  let answered = false;
  const stop = (found: RunHalted) => {
    if (halt) return;
    halt = found;
    onHalt();
  };
  return {
    heard: (call) => {
      if (call.status === null || call.status >= 500 || call.class === 'auth' || call.class === 'scope') return;
      failures = 0;
      answered = true;
    },
    failed: (error) => {
      if (error.class === 'auth')
        stop(new RunHalted('sticky_key_rejected', `Sticky Cards does not accept the key (${messageOf(error)})`, error));
      else if (error.class === 'scope')
        stop(
          new RunHalted('sticky_scope_missing', `the key may not do this in Sticky Cards (${messageOf(error)})`, error),
        );
      else if (error.class === 'transient') {
        failures += 1;
        if (failures >= DOWN_AFTER_FAILURES)
          stop(new RunHalted('sticky_down', `Sticky Cards does not answer (${messageOf(error)})`, error));
      }
    },
    halt: () => halt,
    answered: () => answered,
  };
}
