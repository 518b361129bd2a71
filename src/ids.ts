import { monotonicFactory } from 'ulid';

const ulid = monotonicFactory();

export type IdKind = 'evt' | 'run' | 'log' | 'cmd' | 'prb' | 'lnk' | 'aud' | 'req' | 'ins';

/** `evt_01J…`: says its kind and sorts by the time of its making; strictly increasing within a process. */
export const newId = (kind: IdKind, atMs: number): string => `${kind}_${ulid(atMs)}`;
