import { type ContactKeys, identitiesOf, type Match, type PersonKeys } from './match.ts';
import type { TagsPlan } from './plan.ts';

export const SAMPLE_CLASSES = [
  'matched',
  'ambiguous',
  'creates',
  'updates',
  'identityConflicts',
  'alreadyLinked',
  'excluded',
] as const;
export type SampleClass = (typeof SAMPLE_CLASSES)[number];

export interface FirstLinkSample {
  customerId: string;
  contactId: string | null;
  why: string;
}

/** What going live would do (SPEC §6). Ids and names of fields only: no contact details. */
export interface FirstLinkReport {
  connection: string;
  mode: 'observe' | 'live';
  at: Date;
  /** Contacts that the location has. */
  contacts: number;
  /** customers = linked + matched + creates + alreadyLinked + excluded. */
  customers: number;
  /** Have a contact from before. */
  linked: number;
  /** Have none yet and find one, by what. */
  matched: { customerId: number; phone: number; email: number };
  /** Find none: a contact is made. */
  creates: number;
  /** Find one that belongs to another customer, or will by then: left out, with a problem that names both. */
  alreadyLinked: number;
  /** Left out, by reason. */
  excluded: Record<string, number>;
  /** Of all these: several contacts could be meant. */
  ambiguous: number;
  /** Of those matched by phone: the e-mail belongs to another contact and is not sent. */
  identityConflicts: number;
  /** Contacts that are there and would be written. */
  updates: number;
  /** Contacts (also new ones) that get a value, by field. */
  fieldsToWrite: Record<string, number>;
  tagsToAdd: Record<string, number>;
  tagsToRemove: Record<string, number>;
  /** Custom fields that are made first. */
  fieldsToMake: string[];
  /** Custom fields that exist with another type: they are not written. */
  fieldsOfWrongType: string[];
  /** Customers about whom Sticky Cards is asked first; their values may then be others. */
  stickyReads: number;
  /** Calls of GHL that the first run takes, about. */
  apiCalls: number;
  notes: string[];
  samples: Record<SampleClass, FirstLinkSample[]>;
}

const SAMPLES_MAX = 50;

const count = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

/** Counts by names of theirs: without a prototype, which a tag `constructor` would find. */
const counter = (): Record<string, number> => Object.create(null) as Record<string, number>;

/** A report to be filled, person by person. */
export const emptyReport = (connection: string, mode: 'observe' | 'live', at: Date): FirstLinkReport => ({
  connection,
  mode,
  at,
  contacts: 0,
  customers: 0,
  linked: 0,
  matched: { customerId: 0, phone: 0, email: 0 },
  creates: 0,
  alreadyLinked: 0,
  excluded: counter(),
  ambiguous: 0,
  identityConflicts: 0,
  updates: 0,
  fieldsToWrite: counter(),
  tagsToAdd: counter(),
  tagsToRemove: counter(),
  fieldsToMake: [],
  fieldsOfWrongType: [],
  stickyReads: 0,
  apiCalls: 0,
  notes: [],
  samples: {
    matched: [],
    ambiguous: [],
    creates: [],
    updates: [],
    identityConflicts: [],
    alreadyLinked: [],
    excluded: [],
  },
});

export function addSample(report: FirstLinkReport, kind: SampleClass, sample: FirstLinkSample): void {
  const samples = report.samples[kind];
  if (samples.length < SAMPLES_MAX) samples.push(sample);
}

const BY = { customer_id: 'customerId', phone: 'phone', email: 'email' } as const;
const BY_TEXT = {
  customer_id: 'the contact bears this customer id',
  phone: 'same phone',
  email: 'same e-mail',
} as const;
const SHARED_TEXT = { customer_id: 'this customer id', phone: 'this phone', email: 'this e-mail' } as const;
const EXCLUDED_TEXT: Record<string, string> = {
  no_contact_info: 'neither a phone nor an e-mail',
  invalid_phone: 'the only contact detail is a phone number that cannot exist',
  deleted_in_ghl: 'the contact was deleted in GHL',
  ambiguous: 'several contacts could be meant',
  paused: 'paused by a person',
};

export function addExcluded(report: FirstLinkReport, customerId: string, reason: string): void {
  count(report.excluded, reason);
  addSample(report, 'excluded', { customerId, contactId: null, why: EXCLUDED_TEXT[reason] ?? reason });
}

/** Which contact a person without one comes to. */
export function addMatch(report: FirstLinkReport, customerId: string, match: Match): void {
  switch (match.kind) {
    case 'excluded':
      addExcluded(report, customerId, match.reason);
      return;
    case 'ambiguous':
      addExcluded(report, customerId, 'ambiguous');
      return;
    case 'create':
      report.creates += 1;
      addSample(report, 'creates', { customerId, contactId: null, why: 'no contact has this phone or e-mail' });
      return;
    case 'already_linked': {
      report.alreadyLinked += 1;
      const why = `the contact belongs to the customer ${match.linkedTo}`;
      addSample(report, 'alreadyLinked', { customerId, contactId: match.ghlContactId, why });
      return;
    }
    case 'contact': {
      const { ghlContactId: contactId, conflictEmailContactId: other } = match;
      report.matched[BY[match.by]] += 1;
      addSample(report, 'matched', { customerId, contactId, why: BY_TEXT[match.by] });
      if (other === null) return;
      report.identityConflicts += 1;
      addSample(report, 'identityConflicts', {
        customerId,
        contactId,
        why: `the e-mail belongs to the contact ${other}`,
      });
    }
  }
}

/** What would be written for one person. */
export function addWrites(
  report: FirstLinkReport,
  fields: readonly string[],
  tags: Pick<TagsPlan, 'add' | 'remove'>,
): void {
  for (const field of fields) count(report.fieldsToWrite, field);
  for (const tag of tags.add) count(report.tagsToAdd, tag);
  for (const tag of tags.remove) count(report.tagsToRemove, tag);
}

/**
 * Why a person's match deserves a look: several contacts could be meant, or could have been.
 * Null when there is nothing to choose between.
 */
export function ambiguity(
  person: PersonKeys,
  candidates: readonly ContactKeys[],
  match: Match,
  defaultCountry: string,
): string | null {
  const { e164, digits, email } = identitiesOf(person, defaultCountry);
  const several = (contacts: readonly ContactKeys[], what: string, then: string): string | null => {
    if (contacts.length < 2) return null;
    const ids = contacts.map((contact) => contact.ghlContactId).toSorted();
    return `${contacts.length} contacts have ${what} (${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''}): ${then}`;
  };
  const sameDigits = digits === null ? [] : candidates.filter((contact) => contact.phoneDigits === digits);
  const byDigits = several(sameDigits, 'these digits', 'none is taken by them');
  if (byDigits !== null || (match.kind !== 'contact' && match.kind !== 'ambiguous')) return byDigits;
  const shares = {
    customer_id: (contact: ContactKeys) => contact.stickycardsCustomerId === person.customerId,
    phone: (contact: ContactKeys) => e164 !== null && contact.phone === e164,
    email: (contact: ContactKeys) => contact.email === email,
  }[match.by];
  const equals = candidates.filter((contact) => contact.linkedTo === null && shares(contact));
  return several(
    equals,
    SHARED_TEXT[match.by],
    match.kind === 'ambiguous' ? 'none is taken' : 'the one that shares more is taken',
  );
}
