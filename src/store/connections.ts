import { asc, eq, max, sql } from 'drizzle-orm';
import type { Connection, LocationFacts } from '../domain/connection.ts';
import { type ConnectionPatch, nameMistake } from '../domain/connectionSettings.ts';
import { AppError } from '../errors.ts';
import {
  currentFingerprint,
  judgeFingerprint,
  type ThreeLinkedStillAnswer,
  unhindered,
} from './connectionFingerprint.ts';
import { dropLinks, purgeLeftovers } from './connectionPurge.ts';
import { applyPatch, type ConnectionRow, toConnection } from './connectionRow.ts';
import { connectionWrites } from './connectionWrites.ts';
import { leaveLease, takeLease, leaseOf, thisProcess } from './leases.ts';
import { pauseAll, resumeAll } from './pauseAll.ts';
import { clearProblems, raiseProblems } from './problems.ts';
import { askForBases } from './retakeBases.ts';
import type { Db } from './db.ts';
import type { SecretBox } from './secrets.ts';
import type { Store } from './store.ts';

export type { ThreeLinkedStillAnswer } from './connectionFingerprint.ts';

/** Every change writes `sync_audit_logs` with `actor`, before and after, without secrets. */
export interface ConnectionStore {
  all(): Promise<Connection[]>;
  get(id: string): Promise<Connection | null>;
  /** What `rememberLocation` and `rememberCursor` keep, as it is now; opens no secret. null = there is no such connection. */
  remembered(id: string): Promise<Pick<Connection, 'location' | 'cursors'> | null>;
  /** Throws `invalid_name` (400), `connection_exists`, `location_taken` or `connection_removing` (409). */
  create(
    name: string,
    patch: ConnectionPatch,
    actor: string,
    mode?: Connection['mode'],
    /** Made paused, for this reason: a problem `connection_pending` says so until it is resumed. */
    pendingBecause?: string,
  ): Promise<Connection>;
  /** Throws `unknown_connection` (404), `location_taken` (409), `changed_meanwhile` (409) under unceasing changes. */
  patch(id: string, patch: ConnectionPatch, actor: string): Promise<Connection>;
  /** Makes it live (`activated_at` is now, every pair a first link) or takes it back to observe; unchanged when it is that already. */
  setMode(id: string, mode: Connection['mode'], actor: string): Promise<Connection>;
  /** Pauses one direction, or all of it: until a person resumes it, whatever else stops it meanwhile. */
  pause(id: string, actor: string, direction?: string): Promise<Connection>;
  /** Resumes one direction, or all of it. Throws `fingerprint_changed` (409) while only `rebind` helps. */
  resume(id: string, actor: string, direction?: string): Promise<Connection>;
  /** Both directions of every connection; `resumeAll` brings back what was before. Answer the ids of those that changed. */
  pauseAll(actor: string): Promise<string[]>;
  resumeAll(actor: string): Promise<string[]>;
  /** Ties the connection to what it points at now; without `keepLinks` its links, bases and cursors are dropped. */
  rebind(id: string, options: { keepLinks: boolean }, actor: string): Promise<Connection>;
  /**
   * Takes it out of the list, so that nothing is begun in its name any more. What belongs to it is cleared up by whoever
   * has its lease (sync/removals.ts); until then nobody takes the name. The audit log stays.
   */
  remove(id: string, actor: string): Promise<void>;
  /** The connection `default` at a start: what the environment sets wins, `startMode` counts when it is first made. */
  ensureDefault(patch: ConnectionPatch, startMode: Connection['mode']): Promise<Connection>;
  /** What the GHL location told us; null = read it again. No audit row. */
  rememberLocation(id: string, location: LocationFacts | null): Promise<void>;
  /** A cursor that survives restarts; undefined forgets it. Not shown by the registry until something else changes. */
  rememberCursor(id: string, name: string, value: unknown): Promise<void>;
  /** Differs whenever any connection was changed, by whomever. */
  changeMark(): Promise<string>;
  /** Called after every change made here. */
  onChange(listener: () => void): void;
}

/** Each of those who change one connection at the same moment gets through in its turn. */
const PATCH_TRIES = 20;

export function createConnectionStore(
  store: Store,
  box: SecretBox,
  hooks: { threeLinkedStillAnswer?: ThreeLinkedStillAnswer } = {},
): ConnectionStore {
  const t = store.s.connections;
  const writes = connectionWrites(store);
  const { rowOf, lockedRowOf, nextUpdatedAt, write, audited, change } = writes;
  const listeners: (() => void)[] = [];
  const changed = <T>(value: T): T => {
    for (const listener of listeners) listener();
    return value;
  };
  const changedRow = (row: ConnectionRow): Connection => changed(toConnection(row, box));

  const locationTaken = async (db: Db, id: string, locationId: string | null | undefined): Promise<void> => {
    if (!locationId) return;
    const rows = await db.select({ id: t.id, settings: t.settings }).from(t);
    const other = rows.find((row) => row.id !== id && row.settings.ghlLocationId === locationId);
    if (!other) return;
    const message = `ghlLocationId: this GHL location is connected already, as "${other.id}": use that connection or remove it`;
    throw new AppError('location_taken', message, { httpStatus: 409 });
  };

  /** A removed connection whose data still lies there keeps its name; one whose remover died leaves it to us. */
  const nameIsFree = async (name: string): Promise<void> => {
    if (!(await leaseOf(store, name)) || (await takeLease(store, name, thisProcess(store.newId('ins'))))) return;
    const message = `the connection "${name}" that was removed is still being cleared up: repeat it in half a minute`;
    throw new AppError('connection_removing', message, { httpStatus: 409, retry: 'later' });
  };

  const get: ConnectionStore['get'] = async (id) => {
    const [row] = await store.db.select().from(t).where(eq(t.id, id));
    return row ? toConnection(row, box) : null;
  };

  const remembered: ConnectionStore['remembered'] = async (id) => {
    const [row] = await store.db.select({ location: t.location, cursors: t.cursors }).from(t).where(eq(t.id, id));
    return row ? { location: row.location as LocationFacts | null, cursors: row.cursors } : null;
  };

  const create: ConnectionStore['create'] = async (name, patch, actor, mode = 'observe', pendingBecause) => {
    const mistake = nameMistake(name);
    if (mistake) throw new AppError('invalid_name', mistake, { httpStatus: 400 });
    await locationTaken(store.db, name, patch.ghlLocationId);
    const exists = new AppError('connection_exists', `there is a connection "${name}" already`, { httpStatus: 409 });
    if (await get(name)) throw exists;
    await nameIsFree(name);
    const blank = { dialect: 'report', settings: {}, secrets: {} };
    const patched = applyPatch(name, blank, patch, box);
    const now = store.clock.now();
    const row: ConnectionRow = {
      id: name,
      mode,
      state: pendingBecause === undefined ? 'ready' : 'paused',
      reason: pendingBecause ?? null,
      pause: pendingBecause ?? null,
      pausedDirections: [],
      ghlLocationId: null,
      ...(patched?.columns ?? blank),
      fingerprint: null,
      location: null,
      cursors: {},
      activatedAt: mode === 'live' ? now : null,
      createdAt: now,
      updatedAt: now,
    };
    row.fingerprint = currentFingerprint(toConnection(row, box));
    return store
      .tx(async (db) => {
        row.updatedAt = await nextUpdatedAt(db);
        const made = await db.insert(t).values(row).onConflictDoNothing().returning({ id: t.id });
        if (made.length === 0) {
          await locationTaken(db, name, patch.ghlLocationId);
          throw exists;
        }
        // Of one that was removed by this name, should that have been interrupted.
        await purgeLeftovers(store, db, name);
        await audited(db, name, 'create', actor, null, { ...patched?.after, mode });
        if (pendingBecause !== undefined) {
          const sample = { ghlLocationId: patch.ghlLocationId ?? null };
          await raiseProblems(store, db, name, [{ code: 'connection_pending', recordId: name, sample }]);
        }
        return row;
      })
      .then(changedRow);
  };

  const patchOnce: ConnectionStore['patch'] = async (id, wanted, actor) => {
    const row = await rowOf(store.db, id);
    const patched = applyPatch(id, row, wanted, box);
    const newLocation = patched !== null && 'ghlLocationId' in patched.after;
    if (newLocation) await locationTaken(store.db, id, wanted.ghlLocationId);
    const now = { state: row.state, reason: row.reason, fingerprint: row.fingerprint };
    const next = toConnection({ ...row, ...patched?.columns }, box);
    const verdict = await judgeFingerprint(store, row, next, hooks.threeLinkedStillAnswer);
    const judged = JSON.stringify(verdict) !== JSON.stringify(now);
    if (!patched && !judged) return next;
    return store
      .tx(async (db) => {
        const before = { ...patched?.before, ...(judged && now) };
        await audited(db, id, 'patch', actor, before, { ...patched?.after, ...(judged && verdict) });
        // What was learned of another location is not true of this one.
        return write(db, row, { ...patched?.columns, ...verdict, ...(newLocation && { location: null }) });
      })
      .catch(async (error: unknown): Promise<never> => {
        // Connected by somebody else between the look and the write.
        if (newLocation) await locationTaken(store.db, id, wanted.ghlLocationId);
        throw error;
      })
      .then(changedRow);
  };

  /** Asking the other side takes its time, so the row is not held: what was changed meanwhile is looked at again. */
  const patch: ConnectionStore['patch'] = async (id, wanted, actor) => {
    // A grant's revision follows the one that it replaces: whoever brings it has to look again.
    const triesMax = wanted.ghlOAuth ? 1 : PATCH_TRIES;
    for (let tries = 1; ; tries += 1) {
      try {
        return await patchOnce(id, wanted, actor);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'changed_meanwhile' || tries === triesMax) throw error;
      }
    }
  };

  return {
    all: async () => (await store.db.select().from(t).orderBy(asc(t.id))).map((row) => toConnection(row, box)),
    get,
    remembered,
    create,
    patch,

    setMode: (id, mode, actor) =>
      change(
        id,
        mode === 'live' ? 'activate' : 'observe',
        actor,
        (row) => {
          if (row.mode === mode) return null;
          return mode === 'live' ? { mode, activatedAt: store.clock.now() } : { mode };
        },
        mode === 'live' ? (db) => askForBases(store, db, id) : undefined,
      ).then(changedRow),

    pause: (id, actor, direction) =>
      change(id, 'pause', actor, (row) => {
        if (direction === undefined) {
          if (row.pause !== null || row.state === 'paused') return null;
          const pause = `paused by ${actor}`;
          // Of one that points elsewhere the reason goes on saying that; the pause shows when that is settled.
          return row.state === 'ready' ? { ...unhindered({ pause }), pause } : { pause };
        }
        if (row.pausedDirections.includes(direction)) return null;
        return { pausedDirections: [...row.pausedDirections, direction].toSorted() };
      }).then(changedRow),

    resume: (id, actor, direction) =>
      change(
        id,
        'resume',
        actor,
        (row) => {
          if (direction !== undefined) {
            if (!row.pausedDirections.includes(direction)) return null;
            return { pausedDirections: row.pausedDirections.filter((d) => d !== direction) };
          }
          if (row.state === 'fingerprint') {
            throw new AppError('fingerprint_changed', row.reason ?? 'rebind it first', { httpStatus: 409 });
          }
          if (row.state === 'ready' && row.pausedDirections.length === 0) return null;
          return { state: 'ready', reason: null, pause: null, pausedDirections: [] };
        },
        (db) => clearProblems(store, db, id, id, ['connection_pending']),
      ).then(changedRow),

    pauseAll: (actor) => pauseAll(store, writes, actor).then(changed),
    resumeAll: (actor) => resumeAll(store, writes, actor).then(changed),

    rebind: (id, { keepLinks }, actor) =>
      change(
        id,
        keepLinks ? 'rebind --keep-links' : 'rebind',
        actor,
        (row) => ({
          fingerprint: currentFingerprint(toConnection(row, box)),
          location: null,
          ...(row.state === 'fingerprint' && unhindered(row)),
          ...(!keepLinks && { cursors: {} }),
        }),
        keepLinks ? undefined : (db) => dropLinks(store, db, id),
      ).then(changedRow),

    remove: async (id, actor) => {
      await store.tx(async (db) => {
        const { mode, dialect, settings } = await lockedRowOf(db, id);
        await db.delete(t).where(eq(t.id, id));
        await leaveLease(store, db, id);
        await audited(db, id, 'remove', actor, { mode, dialect, settings }, null);
      });
      changed(null);
    },

    ensureDefault: async (wanted, startMode) => {
      if (await get('default')) return patch('default', wanted, 'start');
      try {
        return await create('default', wanted, 'start', startMode);
      } catch (error) {
        // Another instance was faster with the same environment.
        if (error instanceof AppError && error.code === 'connection_exists') return patch('default', wanted, 'start');
        throw error;
      }
    },

    rememberLocation: async (id, location) => {
      await store.tx(async (db) => {
        const set = { location: location as Record<string, unknown> | null, updatedAt: await nextUpdatedAt(db) };
        await db.update(t).set(set).where(eq(t.id, id));
      });
      changed(null);
    },

    rememberCursor: (id, name, value) =>
      store.tx(async (db) => {
        const { [name]: _, ...others } = (await lockedRowOf(db, id)).cursors;
        const cursors = value === undefined ? others : { ...others, [name]: value };
        await db.update(t).set({ cursors }).where(eq(t.id, id));
      }),

    changeMark: async () => {
      const [row] = await store.db.select({ last: max(t.updatedAt), count: sql`count(*)`.mapWith(Number) }).from(t);
      return `${row?.last?.getTime() ?? 0}/${row?.count ?? 0}`;
    },

    onChange: (listener) => void listeners.push(listener),
  };
}
