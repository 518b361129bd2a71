import { randomFillSync } from 'node:crypto';
import { encodeTime, monotonicFactory } from 'ulid';

const RANDOM_BYTES = 4096;
const randomBytes = new Uint8Array(RANDOM_BYTES);
let bytesUsed = RANDOM_BYTES;

/** ulid asks for sixteen bytes one by one: fetched singly they cost more than everything else about a delivery's id. */
function randomShare(): number {
  if (bytesUsed === RANDOM_BYTES) {
    randomFillSync(randomBytes);
    bytesUsed = 0;
  }
  const byte = randomBytes[bytesUsed] as number;
  bytesUsed += 1;
  return byte / 256;
}

export type IdKind = 'evt' | 'run' | 'log' | 'cmd' | 'prb' | 'lnk' | 'aud' | 'req' | 'ins' | 'mrk';

/** `evt_01J…`: says its kind and sorts by the time of its making. */
export type NewId = (kind: IdKind, atMs: number) => string;

/** Makes ids that strictly increase: one such maker for each store, whose clock says the times. */
export function createIds(): NewId {
  const ulid = monotonicFactory(randomShare);
  return (kind, atMs) => `${kind}_${ulid(atMs)}`;
}

/** Sorts before every id of a kind that is made from this time on: ids made since then are found by their index. */
export const idFloor = (kind: IdKind, atMs: number): string => `${kind}_${encodeTime(atMs)}`;
