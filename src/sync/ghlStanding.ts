import type { Connection } from '../domain/connection.ts';
import type { FieldRow } from '../domain/fieldMap.ts';
import { isNewcomer, type KnownContact, type NewcomerRules, type ShownContact } from '../domain/ghlDelivery.ts';
import { type ContactRow, contactsById } from '../store/contacts.ts';
import type { Db } from '../store/db.ts';
import { linksOfContacts, type StagedIdentities, stagedIdentities } from '../store/ghlInbox.ts';
import { type LinkRow, linksOfCustomers } from '../store/links.ts';
import type { Store } from '../store/store.ts';

/** One contact as somebody showed it to us. */
export interface Shown {
  contactId: string;
  shown: ShownContact;
}

/** How a contact stands to what is known here. */
export type Standing =
  | { kind: 'linked'; link: LinkRow; contact: ContactRow | null }
  /** Our own creation, whose answer is not stored yet. */
  | { kind: 'being_made' }
  | { kind: 'gone'; link: LinkRow }
  /** `matches`: a staged customer has the same id, phone or e-mail; `newcomer`: may become a customer. */
  | { kind: 'unlinked'; contact: ContactRow | null; matches: boolean; newcomer: boolean };

const CUSTOMER_ID = 'stickycards_customer_id';

const textOf = (shown: ShownContact, key: string | null): string | null => {
  const value = key === null ? null : shown.values[key];
  return typeof value === 'string' ? value : null;
};

/** Looks up many contacts at once: four to six queries for any number of them. */
export async function standingsOf(
  store: Store,
  db: Db,
  connection: Connection,
  rows: readonly FieldRow[],
  contacts: readonly Shown[],
): Promise<(contact: Shown) => Standing> {
  const ids = [...new Set(contacts.map((each) => each.contactId))];
  const links = await linksOfContacts(store, db, connection.id, ids);
  const known = await contactsById(store, db, connection.id, ids);
  const rules = newcomerRules(connection, rows);
  const strangers = contacts.filter(({ contactId }) => !links.has(contactId));
  const texts = (key: string | null) => strangers.map(({ shown }) => textOf(shown, key)).filter((t) => t !== null);
  const customerIds = texts(CUSTOMER_ID);
  const staged = await stagedIdentities(store, db, connection.id, {
    customerIds,
    phones: texts(rules.phoneKey),
    emails: texts(rules.emailKey),
  });
  const theirs = await linksOfCustomers(store, db, connection.id, customerIds);
  return ({ contactId, shown }) => {
    const link = links.get(contactId);
    const contact = known.get(contactId) ?? null;
    if (link?.state === 'gone') return { kind: 'gone', link };
    if (link) return { kind: 'linked', link, contact };
    const customerId = textOf(shown, CUSTOMER_ID);
    const own = customerId === null ? undefined : theirs.get(customerId);
    if (own?.state === 'creating') return { kind: 'being_made' };
    // Settled between the two questions: other transactions do not wait for this one.
    if (own?.state === 'live' && own.ghlId === contactId) return { kind: 'linked', link: own, contact };
    return {
      kind: 'unlinked',
      contact,
      matches: isStaged(shown, staged, rules),
      newcomer: isNewcomer(
        { ...shown, dateAddedMs: shown.dateAddedMs ?? contact?.dateAdded?.getTime() ?? null },
        rules,
      ),
    };
  };
}

const isStaged = (shown: ShownContact, staged: StagedIdentities, rules: NewcomerRules): boolean =>
  staged.customerIds.has(textOf(shown, CUSTOMER_ID) ?? '') ||
  staged.phones.has(textOf(shown, rules.phoneKey) ?? '') ||
  staged.emails.has(textOf(shown, rules.emailKey) ?? '');

const newcomerRules = (connection: Connection, rows: readonly FieldRow[]): NewcomerRules => ({
  activatedAtMs: connection.activatedAt?.getTime() ?? null,
  createCustomers: connection.createCustomers,
  phoneKey: rows.find((row) => row.ghl === 'phone')?.key ?? null,
  emailKey: rows.find((row) => row.ghl === 'email')?.key ?? null,
});

/** What is known of a contact, as the echo rule wants it. */
export const knownContact = (row: ContactRow | null): KnownContact | null =>
  row && {
    answered: row.seenBy === 'answer',
    values: row.values,
    tags: row.tags,
    open: row.syncStatus === 'PENDING',
    observedAtMs: row.observedAt?.getTime() ?? null,
  };
