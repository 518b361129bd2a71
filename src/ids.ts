import { randomFillSync } from 'node:crypto';
import { encodeTime, incrementBase32, TIME_LEN, ulid } from 'ulid';

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

/**
 * Makes ids that strictly increase, those of one time by counting on: one such maker for each store, whose clock says the
 * times. As ulid's own maker does, which spells the time out again for each.
 */
export function createIds(): NewId {
  let latestMs = -1;
  let time = '';
  let random = '';
  return (kind, atMs) => {
    if (atMs > latestMs) {
      const fresh = ulid(atMs, randomShare);
      latestMs = atMs;
      time = fresh.slice(0, TIME_LEN);
      random = fresh.slice(TIME_LEN);
    } else random = incrementBase32(random);
    return `${kind}_${time}${random}`;
  };
}

/** Sorts before every id of a kind that is made from this time on: ids made since then are found by their index. */
export const idFloor = (kind: IdKind, atMs: number): string => `${kind}_${encodeTime(atMs)}`;
