import type { OpenAction } from '../../store/idempotency.ts';
import { readStored } from './stored.ts';

/** Calls that must not overtake each other, oldest first. */
export interface Lane {
  /** By connection. */
  name: string;
  calls: OpenAction[];
  /** Its calls wait for a run: a run must not wait for them. */
  endsWithRun: boolean;
}

/** Of these the last call for a person counts. All others are done each for itself. */
const SETTING = ['card-status', 'segments', 'preferences'];

/** By what is set and for whom, as the calls name them; `calls` are oldest first, and so are those of each lane. */
export function lanesOf(calls: readonly OpenAction[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const open of calls) {
    const { action, call } = readStored(open);
    const whom = SETTING.includes(action) && call ? JSON.stringify([action, call.contact]) : open.key;
    const name = `${open.connectionId} ${whom}`;
    const lane = lanes.get(name) ?? { name, calls: [], endsWithRun: action === 'sync-contact' };
    lane.calls.push(open);
    lanes.set(name, lane);
  }
  return [...lanes.values()];
}
