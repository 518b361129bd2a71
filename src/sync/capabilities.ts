import { isApiError } from '../platforms/apiError.ts';
import { clearProblems, raiseProblems } from '../store/problems.ts';
import type { Store } from '../store/store.ts';
import { PROBE_EVERY_MS } from './sidePause.ts';

/** What a token or key may be refused while everything else of its side goes on (SPEC §2.6, classes of errors). */
export type Capability =
  'tags' | 'search' | 'custom_fields' | 'read' | 'contact_details' | 'card_status' | 'preferences' | 'segments';

/** The problems that a refusal of one can be. */
const CODES: Record<Capability, readonly string[]> = {
  tags: ['ghl_scope_missing'],
  search: ['ghl_scope_missing', 'ghl_poll_failed'],
  custom_fields: ['ghl_scope_missing'],
  read: ['sticky_scope_missing'],
  contact_details: ['sticky_scope_missing'],
  card_status: ['sticky_scope_missing'],
  preferences: ['sticky_scope_missing'],
  segments: ['sticky_scope_missing'],
};

interface Refusal {
  code: string;
  message: string;
  probeAtMs: number;
}

/** What one run may try, and what it learns of it. */
export interface Capabilities {
  /** Refused a moment ago: not to be tried by this run. */
  isRefused(capability: Capability): boolean;
  /** Left alone for the rest of the run; where a permission is missing, for 15 minutes. */
  refuse(capability: Capability, error: Error): void;
  /** It was used, and went through. */
  allow(capability: Capability): void;
  /** Raises and clears the problems of what this run has learnt. Answers what its row says. */
  settle(): Promise<string | null>;
}

/** By connection; undefined = not known in this process, null = it may. After a restart each is tried once. */
const known = new WeakMap<Store, Map<string, Map<Capability, Refusal | null>>>();

/**
 * The capabilities of a connection for one run. A refused one is left alone and tried again every 15 minutes, by a run
 * that a person asks for at once (SPEC §2.6).
 */
export function capabilitiesOf(store: Store, connectionId: string, { tryAll }: { tryAll: boolean }): Capabilities {
  const connections = known.get(store) ?? new Map<string, Map<Capability, Refusal | null>>();
  known.set(store, connections);
  const mine = connections.get(connectionId) ?? new Map<Capability, Refusal | null>();
  connections.set(connectionId, mine);
  const refused = new Map<Capability, Refusal>();
  const allowed = new Set<Capability>();
  return {
    isRefused: (capability) => {
      const refusal = mine.get(capability);
      if (refused.has(capability)) return true;
      return refusal != null && !tryAll && store.clock.nowMs() < refusal.probeAtMs;
    },
    refuse: (capability, error) => {
      const isScope = isApiError(error, 'scope');
      const code = CODES[capability].at(isScope ? 0 : -1) as string;
      const probeAtMs = store.clock.nowMs() + (isScope ? PROBE_EVERY_MS : 0);
      const refusal = { code, message: error.message, probeAtMs };
      refused.set(capability, refusal);
      mine.set(capability, refusal);
    },
    allow: (capability) => {
      if (mine.get(capability) !== null) allowed.add(capability);
    },
    settle: async () => {
      const over = [...allowed].filter((capability) => !refused.has(capability));
      if (refused.size + over.length === 0) return null;
      await store.tx(async (db) => {
        for (const capability of over) await clearProblems(store, db, connectionId, capability, CODES[capability]);
        await raiseProblems(
          store,
          db,
          connectionId,
          [...refused].map(([capability, { code, message }]) => ({
            code,
            cause: capability,
            recordId: capability,
            sample: { capability, message },
          })),
        );
      });
      for (const capability of over) mine.set(capability, null);
      return (
        [...refused].map(([capability, { message }]) => `${capability.replace('_', ' ')}: ${message}`).join('; ') ||
        null
      );
    },
  };
}
