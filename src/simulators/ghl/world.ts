import { randomBytes } from 'node:crypto';
import { createLaggedIndex, type LaggedIndex } from './laggedIndex.ts';
import type { Webhooks } from './webhooks.ts';
import type {
  CustomValue,
  DndSettings,
  GhlSimulatorOptions,
  LocationOptions,
  SimulatedCustomField,
  SimulatedNote,
  SimulatedOpportunity,
  SimulatedTask,
} from './types.ts';

/** The text fields of a contact; an empty one is absent. */
export const standardFields = [
  'firstName',
  'lastName',
  'email',
  'phone',
  'address1',
  'city',
  'state',
  'postalCode',
  'country',
  'website',
  'timezone',
  'companyName',
  'gender',
  'source',
  'assignedTo',
  'dateOfBirth',
] as const;
export type StandardField = (typeof standardFields)[number];

/** Never changed in place: the search index and webhooks under way keep old ones by reference. */
export interface StoredContact {
  readonly id: string;
  readonly locationId: string;
  readonly fields: Readonly<Partial<Record<StandardField, string>>>;
  readonly tags: readonly string[];
  /** By id of the custom field. */
  readonly customFields: Readonly<Record<string, CustomValue>>;
  readonly dnd: boolean;
  readonly dndSettings: Readonly<DndSettings>;
  readonly dateAddedMs: number;
  readonly dateUpdatedMs: number;
}

export interface StoredOpportunity extends SimulatedOpportunity {
  readonly updatedAtMs: number;
  readonly createdAtMs: number;
}

export interface SimulatedLocation {
  readonly options: LocationOptions;
  readonly companyId: string;
  readonly country: string;
  readonly identifierOrder: readonly ('email' | 'phone')[];
  readonly customFields: Map<string, SimulatedCustomField>;
  /** By name: the tags that the location knows. */
  readonly tags: Map<string, { id: string; name: string; locationId: string }>;
  readonly contacts: Map<string, StoredContact>;
  /** Several only where the location allows duplicates or does not ask for that identifier. */
  readonly byPhone: Map<string, Set<string>>;
  readonly byEmail: Map<string, Set<string>>;
  readonly contactIndex: LaggedIndex<StoredContact>;
  readonly opportunityIndex: LaggedIndex<StoredOpportunity>;
}

/** Everything that the simulator knows. Endpoints, the UI of `ui.ts` and the control API all work on one of these. */
export interface World {
  readonly options: GhlSimulatorOptions;
  readonly locations: Map<string, SimulatedLocation>;
  /** Location of a contact id, over all locations. */
  readonly locationOfContact: Map<string, SimulatedLocation>;
  /** By contact id. */
  readonly notes: Map<string, SimulatedNote[]>;
  readonly tasks: Map<string, SimulatedTask[]>;
  readonly opportunities: Map<string, StoredOpportunity>;
  readonly opportunitiesOfContact: Map<string, Set<string>>;
  readonly webhooks: Webhooks;
  now(): number;
  /** The time that goes into timestamps: the clock of this side, with its skew. */
  stampMs(): number;
  stamp(): string;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Twenty letters and digits, as GHL's own ids. */
export const newGhlId = (): string => Array.from(randomBytes(20), (byte) => alphabet[byte % alphabet.length]).join('');

export const isoOf = (ms: number): string => new Date(ms).toISOString();

export function createLocation(options: LocationOptions, now: () => number, searchLagMs: number): SimulatedLocation {
  return {
    options,
    companyId: options.companyId ?? 'company-sim',
    country: options.country ?? 'US',
    identifierOrder: options.uniqueIdentifierOrder ?? ['email', 'phone'],
    customFields: new Map(),
    tags: new Map(),
    contacts: new Map(),
    byPhone: new Map(),
    byEmail: new Map(),
    contactIndex: createLaggedIndex(now, searchLagMs),
    opportunityIndex: createLaggedIndex(now, searchLagMs),
  };
}

export function createWorld(options: GhlSimulatorOptions, webhooks: Webhooks): World {
  const now = options.now ?? Date.now;
  const stampMs = (): number => now() + (options.clockSkewMs ?? 0);
  const locations = (options.locations ?? []).map((each) => createLocation(each, now, options.searchLagMs ?? 0));
  return {
    options,
    locations: new Map(locations.map((location) => [location.options.id, location])),
    locationOfContact: new Map(),
    notes: new Map(),
    tasks: new Map(),
    opportunities: new Map(),
    opportunitiesOfContact: new Map(),
    webhooks,
    now,
    stampMs,
    stamp: () => isoOf(stampMs()),
  };
}
