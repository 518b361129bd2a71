import type { LinkField } from '../../drizzle/tables/links.ts';
import type { ContactIndex, IndexedContact } from '../domain/contactIndex.ts';
import { addExcluded, addMatch, addSample, addWrites, ambiguity, type FirstLinkReport } from '../domain/firstLink.ts';
import { type ContactKeys, identitiesOf, type Match, matchContact, type PersonKeys } from '../domain/match.ts';
import { comparableDigits } from '../domain/phone.ts';
import { type FieldsPlan, planTags } from '../domain/plan.ts';
import type { Pair } from '../store/pairs.ts';
import { planOf, type PlanContext, wantedTags } from '../sync/pairValues.ts';

export interface PeopleContext extends PlanContext {
  report: FirstLinkReport;
  index: ContactIndex;
  /** Contact id → the customer that it is linked to, or will be by then. */
  owners: Map<string, string>;
  nowMs: number;
}

const personOf = ({ customer }: Pair): PersonKeys => ({
  customerId: customer.stickycardsId,
  phone: customer.mobile,
  email: customer.email,
});

/** The contacts that a person without one could be. */
export function contactsFor({ index, connection }: PeopleContext, pair: Pair): IndexedContact[] {
  const person = personOf(pair);
  return index.find({ customerId: person.customerId, ...identitiesOf(person, connection.defaultCountry) });
}

/** One page of people, in the order in which a run takes them; adds what it would do to the report. */
export function addPeople(ctx: PeopleContext, pairs: readonly Pair[]): void {
  const tagCalls = new Set<string>();
  for (const pair of pairs) {
    ctx.report.customers += 1;
    if (pair.customer.readWanted) ctx.report.stickyReads += 1;
    const tags = pair.link?.state === 'live' ? addLinked(ctx, pair) : addUnlinked(ctx, pair);
    if (!tags) continue;
    // Equal changes of a page go out in one call.
    if (tags.add.length > 0) tagCalls.add(`add\n${tags.add.join('\n')}`);
    if (tags.remove.length > 0) tagCalls.add(`remove\n${tags.remove.join('\n')}`);
  }
  ctx.report.apiCalls += tagCalls.size;
}

interface TagCalls {
  add: string[];
  remove: string[];
}

const isTaken = ({ customer }: Pair) => !customer.paused && customer.syncStatus === 'PENDING';

function addLinked(ctx: PeopleContext, pair: Pair): TagCalls | null {
  const { link, contact, customer } = pair;
  ctx.report.linked += 1;
  if (!link || !isTaken(pair)) return null;
  const plan = planOf(ctx, pair, link, contact);
  const ghlTags = contact?.seenBy === 'answer' ? new Set(contact.tags) : null;
  const tags = planTags(wantedTags(ctx.tagMap, pair), link.tags, ghlTags, contact?.observedAt?.getTime() ?? 0);
  addUpdate(ctx, customer.stickycardsId, link.ghlId, plan, tags);
  if (contact?.seenBy === 'answer' && plan.toGhl.some(({ key }) => isReadFirst(ctx, key))) ctx.report.apiCalls += 1;
  return tags;
}

/** Two-way counters and contact details are read before they are written (SPEC §2.6). */
const isReadFirst = (ctx: PeopleContext, key: string) => {
  const row = ctx.rows.find((r) => r.key === key);
  return row?.direction === 'both' && (row.merge === 'counter' || row.ghl !== 'custom');
};

function addUpdate(
  ctx: PeopleContext,
  customerId: string,
  contactId: string | null,
  plan: FieldsPlan,
  tags: TagCalls,
): void {
  const fields = plan.toGhl.map((write) => write.key);
  addWrites(ctx.report, fields, tags);
  if (fields.length > 0) ctx.report.apiCalls += 1;
  if (fields.length + tags.add.length + tags.remove.length === 0) return;
  ctx.report.updates += 1;
  const why = [...fields, ...tags.add.map((tag) => `+${tag}`), ...tags.remove.map((tag) => `-${tag}`)].join(', ');
  addSample(ctx.report, 'updates', { customerId, contactId, why });
}

function addUnlinked(ctx: PeopleContext, pair: Pair): TagCalls | null {
  const { customer, link } = pair;
  const { report, connection } = ctx;
  const person = personOf(pair);
  if (customer.paused) {
    addExcluded(report, person.customerId, 'paused');
    return null;
  }
  if (!isTaken(pair)) {
    addExcluded(report, person.customerId, customer.syncError?.code ?? customer.syncStatus.toLowerCase());
    return null;
  }
  const candidates = contactsFor(ctx, pair);
  const keys = candidates
    .map((contact): ContactKeys => ({ ...contact, linkedTo: ctx.owners.get(contact.ghlContactId) ?? null }))
    .filter((contact) => link?.state !== 'gone' || isNewerThan(contact, link));
  const match: Match =
    link?.state === 'creating' ? { kind: 'create' } : matchContact(person, keys, connection.defaultCountry);
  if (link?.state === 'gone' && match.kind !== 'contact') {
    addExcluded(report, person.customerId, 'deleted_in_ghl');
    return null;
  }
  addMatch(report, person.customerId, match);
  const why = ambiguity(person, keys, match, connection.defaultCountry);
  if (why !== null) {
    report.ambiguous += 1;
    addSample(report, 'ambiguous', {
      customerId: person.customerId,
      contactId: match.kind === 'contact' ? match.ghlContactId : null,
      why,
    });
  }
  if (match.kind === 'create') return addCreation(ctx, pair);
  const contact = match.kind === 'contact' && candidates.find((c) => c.ghlContactId === match.ghlContactId);
  return contact && match.kind === 'contact' ? addFirstLink(ctx, pair, contact, match.conflictEmailContactId) : null;
}

/** Made since the contact that was linked is gone: only such a one brings a link back (SPEC §2.5, 0). */
const isNewerThan = (contact: ContactKeys, link: NonNullable<Pair['link']>) => {
  const goneAtMs = link.metadata['goneAtMs'];
  return (
    contact.ghlContactId !== link.ghlId &&
    (contact.addedAtMs ?? 0) > (typeof goneAtMs === 'number' ? goneAtMs : Infinity)
  );
};

const NO_TAGS = { base: [], off: {} };

/** Fills what the page shows empty, and writes what is ours (SPEC §2.5, no base). */
function addFirstLink(ctx: PeopleContext, pair: Pair, contact: IndexedContact, emailOf: string | null): TagCalls {
  const { customer } = pair;
  const held = { reason: 'identity_conflict', value: customer.email, atMs: ctx.nowMs };
  const fields: Record<string, LinkField> = emailOf === null ? {} : { email: { revision: 0, held } };
  const plan = planOf(ctx, pair, { fields, cardId: null }, { seenBy: 'page', values: contact.values });
  const ghlTags = plan.toGhl.length > 0 ? new Set(contact.tags) : null;
  const tags = planTags(wantedTags(ctx.tagMap, { ...pair, link: null }), NO_TAGS, ghlTags, ctx.nowMs);
  addUpdate(ctx, customer.stickycardsId, contact.ghlContactId, plan, tags);
  ctx.owners.set(contact.ghlContactId, customer.stickycardsId);
  for (const { key, after } of plan.toGhl) {
    if (key === 'email' && typeof after === 'string') contact.email = after;
    if (key === 'phone' && typeof after === 'string') {
      contact.phone = after;
      contact.phoneDigits = comparableDigits(after, ctx.connection.defaultCountry);
    }
  }
  // Whoever shares what this contact got a moment ago comes too late.
  ctx.index.put(contact);
  return tags;
}

function addCreation(ctx: PeopleContext, pair: Pair): TagCalls {
  const { customer } = pair;
  const { defaultCountry } = ctx.connection;
  const plan = planOf(ctx, pair, { fields: {}, cardId: null }, 'new');
  const tags = planTags(wantedTags(ctx.tagMap, { ...pair, link: null }), NO_TAGS, new Set(), ctx.nowMs);
  addWrites(
    ctx.report,
    plan.toGhl.map((write) => write.key),
    tags,
  );
  const { e164, email } = identitiesOf(personOf(pair), defaultCountry);
  // Where duplicates are allowed, one look for both identities goes before it.
  ctx.report.apiCalls += ctx.facts.allowDuplicateContact ? 2 : 1;
  const ghlContactId = `new:${customer.stickycardsId}`;
  ctx.owners.set(ghlContactId, customer.stickycardsId);
  ctx.index.put({
    ghlContactId,
    phone: e164,
    phoneDigits: e164 === null ? null : comparableDigits(e164, defaultCountry),
    email,
    stickycardsCustomerId: customer.stickycardsId,
    addedAtMs: null,
    values: {},
    tags: [],
  });
  return tags;
}
