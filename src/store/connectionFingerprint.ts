import { createHash } from 'node:crypto';
import { and, eq, inArray } from 'drizzle-orm';
import type { Connection } from '../domain/connection.ts';
import {
  type Fingerprint,
  fingerprintOf,
  fingerprintReason,
  fingerprintVerdict,
  mergedFingerprint,
} from '../domain/fingerprint.ts';
import type { ConnectionRow } from './connectionRow.ts';
import type { Store } from './store.ts';

/**
 * Asked when a connection with links points at another Sticky Cards account, key or host: do three linked customers
 * (all, where there are fewer) still answer under it? True accepts the change (SPEC §1). Reads only; an error is a no.
 */
export type ThreeLinkedStillAnswer = (connection: Connection) => Promise<boolean>;

const markOfKey = (apiKey: string) => createHash('sha256').update(`sticky-ghl ${apiKey}`).digest('hex').slice(0, 12);

export const currentFingerprint = (connection: Connection): Fingerprint => fingerprintOf(connection, markOfKey);

async function hasLinks({ db, s }: Store, connectionId: string): Promise<boolean> {
  const { entityMappings: m } = s;
  const [link] = await db
    .select({ id: m.id })
    .from(m)
    .where(and(eq(m.connectionId, connectionId), inArray(m.state, ['live', 'creating'])))
    .limit(1);
  return link !== undefined;
}

/** How a connection stands that points at what it is tied to: as a person left it. */
export const unhindered = ({ pause }: Pick<ConnectionRow, 'pause'>): Pick<ConnectionRow, 'state' | 'reason'> =>
  pause === null ? { state: 'ready', reason: null } : { state: 'paused', reason: pause };

/**
 * State, reason and fingerprint for the connection of `row` when it points at `next`. May ask the other side: never in a
 * transaction.
 */
export async function judgeFingerprint(
  store: Store,
  row: Pick<ConnectionRow, 'pause'>,
  next: Connection,
  threeLinkedStillAnswer?: ThreeLinkedStillAnswer,
): Promise<Pick<ConnectionRow, 'state' | 'reason' | 'fingerprint'>> {
  const now = currentFingerprint(next);
  const verdict = fingerprintVerdict(next.fingerprint, now);
  // Back on what it was tied to: what stood in the way is gone. A person's pause is not.
  const { state, reason } = next.state === 'fingerprint' ? unhindered(row) : next;
  const accepted = { state, reason, fingerprint: mergedFingerprint(next.fingerprint, now) };
  // Without links there is nothing that a wrong account could harm.
  if (verdict.kind !== 'changed' || !(await hasLinks(store, next.id))) return accepted;
  const onlySticky = !verdict.parts.includes('ghlLocationId');
  if (onlySticky && (await threeLinkedStillAnswer?.(next).catch(() => false))) return accepted;
  return { state: 'fingerprint', reason: fingerprintReason(next.id, verdict.parts), fingerprint: next.fingerprint };
}
