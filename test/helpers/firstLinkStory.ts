import type Database from 'better-sqlite3';
import type { SeedContact, SimulatedContact } from '../../src/simulators/ghl/types.ts';

/** What has to become of one person. `one_of`: several people share an identity, one of them gets the contact. */
type Fate =
  | { kind: 'linked'; contactId: string; emailConflict?: boolean }
  | { kind: 'created' }
  | { kind: 'skipped'; code: 'no_contact_info' | 'invalid_phone' | 'ambiguous' }
  | { kind: 'one_of'; group: string; contactId: string | null };

/** A location full of contacts and people who are to be found among them (SPEC §2.5). */
export interface FirstLinkStory {
  contacts: SeedContact[];
  /** One delivery per person, in the flat envelope. */
  deliveries: Record<string, unknown>[];
  fates: Map<string, Fate>;
  /** Contacts that are to be made: people who are nowhere, and one per group that shares an unknown identity. */
  creations: number;
}

const digitsOf = (n: number) => `212${String(2_000_000 + n)}`;
const customerIdOf = (n: number) => `cus_${String(n).padStart(6, '0')}`;
const e164 = (digits: string) => `+1${digits}`;

/** Spellings of one number as tills, forms and imports write it. */
const spellings: ((digits: string) => string)[] = [
  (d) => `+1${d}`,
  (d) => `(${d.slice(0, 3)}) ${d.slice(3, 6)}-${d.slice(6)}`,
  (d) => `1-${d.slice(0, 3)}-${d.slice(3, 6)}-${d.slice(6)}`,
  (d) => `${d.slice(0, 3)}.${d.slice(3, 6)}.${d.slice(6)}`,
  (d) => `001 ${d}`,
  (d) => d,
];
const spelled = (n: number) => (spellings[n % spellings.length] as (digits: string) => string)(digitsOf(n));

export function firstLinkStory(people: number, contactCount: number, duplicatesAllowed: boolean): FirstLinkStory {
  const story: FirstLinkStory = { contacts: [], deliveries: [], fates: new Map(), creations: 0 };
  const contactIdOf = (n: number) => `con${String(n).padStart(17, '0')}`;
  const contact = (fields: SeedContact): string => {
    const n = story.contacts.length;
    const id = contactIdOf(n);
    // Made on different days, several at one moment: pages are cut in the middle of them.
    const dateAdded = Date.UTC(2025, 0, 1) + Math.floor(n / 7) * 60_000;
    const byHand = n % 3 === 0 ? ['hot lead', `batch ${n % 5}`] : [];
    story.contacts.push({ id, dateAdded, dateUpdated: dateAdded, tags: byHand, ...fields });
    return id;
  };
  const arrives = (n: number, fate: Fate, details: { email?: string; phone_number?: string }) => {
    story.fates.set(customerIdOf(n), fate);
    if (fate.kind === 'created') story.creations += 1;
    story.deliveries.push({
      event_type: n % 4 === 0 ? 'CustomerCreatedEvent' : 'CardInstalledEvent',
      timestamp: Math.floor(Date.UTC(2026, 2, 20, 15) / 1000) + n,
      customer_id: customerIdOf(n),
      ...(n % 4 === 0 ? {} : { card_id: `card_${n}` }),
      first_name: `Person${n}`,
      last_name: 'Till',
      ...(n % 10 === 0 ? { segments: ['VIP'] } : {}),
      ...details,
    });
  };
  const mail = (n: number) => `Person.${n}@Example.com`;

  for (let n = 0; n < people; n++) {
    const kind = n % 20;
    if (kind < 6) {
      const id = contact({ phone: e164(digitsOf(n)), firstName: 'Known', lastName: `As ${n}` });
      arrives(n, { kind: 'linked', contactId: id }, { phone_number: spelled(n), email: mail(n) });
    } else if (kind < 9) {
      const id = contact({ email: mail(n).toLowerCase(), firstName: 'Known' });
      arrives(n, { kind: 'linked', contactId: id }, { email: mail(n), phone_number: spelled(n) });
    } else if (kind === 9) {
      // The phone of one contact and the e-mail of another.
      const id = contact({ phone: e164(digitsOf(n)), lastName: 'Phone' });
      contact({ email: mail(n).toLowerCase(), lastName: 'Mail' });
      arrives(n, { kind: 'linked', contactId: id, emailConflict: true }, { phone_number: spelled(n), email: mail(n) });
    } else if (kind === 10) {
      // A family: two people, one phone, one contact.
      const id = contact({ phone: e164(digitsOf(n)) });
      const fate: Fate = { kind: 'one_of', group: `family ${n}`, contactId: id };
      arrives(n, fate, { phone_number: spelled(n), email: mail(n) });
      n += 1;
      if (n < people) arrives(n, fate, { phone_number: spelled(n - 1), email: mail(n) });
    } else if (kind === 12) {
      // The same with nobody there yet; the second has an e-mail of their own.
      const fate: Fate = { kind: 'one_of', group: `new family ${n}`, contactId: null };
      story.creations += 1;
      arrives(n, fate, { phone_number: spelled(n) });
      n += 1;
      if (n < people) arrives(n, fate, { phone_number: spelled(n - 1), email: mail(n) });
    } else if (kind === 14) {
      arrives(n, { kind: 'skipped', code: 'no_contact_info' }, {});
    } else if (kind === 15) {
      // Half a number: never sent, never enough to be told apart by.
      arrives(n, { kind: 'skipped', code: 'invalid_phone' }, { phone_number: `+1-555-${String(1000 + (n % 9000))}` });
    } else if (kind === 16) {
      const id = contact({ email: mail(n).toLowerCase() });
      arrives(n, { kind: 'linked', contactId: id }, { email: mail(n), phone_number: `555${n % 10}` });
    } else if (kind === 17 && duplicatesAllowed) {
      // The same person twice in GHL: nothing tells which, none is taken and no third one is made.
      const phone = e164(digitsOf(n));
      contact({ phone, lastName: 'Twice' });
      contact({ phone, lastName: 'Twice' });
      arrives(n, { kind: 'skipped', code: 'ambiguous' }, { phone_number: spelled(n) });
    } else {
      arrives(n, { kind: 'created' }, { phone_number: spelled(n), email: mail(n) });
    }
  }
  // Everybody else in the location: not ours.
  for (let n = people; story.contacts.length < contactCount; n++) {
    contact({
      ...(n % 3 === 1 ? {} : { phone: e164(digitsOf(n + 1_000_000)) }),
      ...(n % 3 === 0 ? {} : { email: `stranger${n}@example.org` }),
      firstName: `Stranger ${n}`,
    });
  }
  return story;
}

export interface StagedOutcome {
  customerId: string;
  status: string;
  code: string | null;
  contactId: string | null;
  /** Codes of the log rows and open problems that name the person. */
  listed: Set<string>;
}

/** How everybody stands in the service's own database. */
export function outcomesIn(db: Database.Database): StagedOutcome[] {
  const listed = new Map<string, Set<string>>();
  const list = (id: string, code: string) => listed.set(id, (listed.get(id) ?? new Set()).add(code));
  const logs = db.prepare("select distinct customer_id, error_code from sync_logs where status = 'skipped'").raw();
  for (const [id, code] of logs.all() as [string, string][]) list(id, code);
  const problems = db
    .prepare('select r.record_id, p.code from problem_records r join problems p on p.id = r.problem_id')
    .raw();
  for (const [id, code] of problems.all() as [string, string][]) list(id, code);
  const rows = db
    .prepare(
      `select c.stickycards_id as id, c.sync_status as status, c.sync_error as error, m.ghl_id as contactId
       from sticky_cards_customers c
       left join entity_mappings m on m.stickycards_id = c.stickycards_id and m.entity_type = 'customer' and m.state = 'live'`,
    )
    .all() as { id: string; status: string; error: string | null; contactId: string | null }[];
  return rows.map(({ id, status, error, contactId }) => ({
    customerId: id,
    status,
    code: error === null ? null : ((JSON.parse(error) as { code?: string } | null)?.code ?? null),
    contactId,
    listed: listed.get(id) ?? new Set(),
  }));
}

const countBy = (keys: (string | undefined)[]) => {
  const counts = new Map<string, number>();
  for (const key of keys) if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

/** Everything that is not as the story wants it, in words; nothing when all is well. */
export function whatIsWrong(
  story: FirstLinkStory,
  contacts: readonly SimulatedContact[],
  outcomes: readonly StagedOutcome[],
): string[] {
  const wrong: string[] = [];
  const expected = story.contacts.length + story.creations;
  if (contacts.length !== expected) wrong.push(`${contacts.length} contacts, ${expected} expected`);
  const byId = new Map(contacts.map((c) => [c.id, c]));
  const byCustomer = Map.groupBy(contacts, (c) => String(c.customFields['stickycards_customer_id'] ?? ''));

  for (const kind of ['phone', 'email'] as const) {
    const lower = (value: string | null | undefined) => value?.toLowerCase() ?? undefined;
    const before = countBy(story.contacts.map((c) => lower(c[kind])));
    for (const [value, count] of countBy(contacts.map((c) => lower(c[kind]))))
      if (count > Math.max(1, before.get(value) ?? 0)) wrong.push(`${count} contacts with the ${kind} ${value}`);
  }
  for (const before of story.contacts) {
    const now = byId.get(before.id as string);
    if (!now) {
      wrong.push(`${before.id} is gone`);
      continue;
    }
    for (const field of ['firstName', 'lastName', 'phone', 'email'] as const)
      if (before[field] && now[field] !== before[field]) wrong.push(`${before.id}: ${field} became ${now[field]}`);
    for (const tag of before.tags ?? [])
      if (!now.tags.includes(tag)) wrong.push(`${before.id}: the tag ${tag} is gone`);
  }

  const winners = new Map<string, string[]>();
  const byOutcome = new Map(outcomes.map((o) => [o.customerId, o]));
  for (const [customerId, fate] of story.fates) {
    const outcome = byOutcome.get(customerId);
    const mine = byCustomer.get(customerId) ?? [];
    const say = (what: string) => wrong.push(`${customerId} (${fate.kind}): ${what}`);
    if (!outcome) {
      say('was never staged');
      continue;
    }
    const linkedTo = (contactId: string | null) => {
      if (outcome.status !== 'SYNCED') say(`is ${outcome.status} ${outcome.code}`);
      if (mine.length !== 1) say(`${mine.length} contacts bear the id`);
      if (outcome.contactId !== mine[0]?.id) say(`is linked to ${outcome.contactId}, ${mine[0]?.id} bears the id`);
      if (contactId !== null && mine[0]?.id !== contactId) say(`got ${mine[0]?.id} instead of ${contactId}`);
    };
    const leftOut = (code: string) => {
      if (outcome.status !== 'SKIPPED' || outcome.code !== code) say(`is ${outcome.status} ${outcome.code}`);
      if (mine.length > 0) say(`has the contact ${mine[0]?.id}`);
      if (!outcome.listed.has(code)) say(`is not listed as ${code}`);
    };
    if (fate.kind === 'linked') {
      linkedTo(fate.contactId);
      if (fate.emailConflict && (mine[0]?.email || !outcome.listed.has('identity_conflict')))
        say(`the conflict of the e-mail is not listed, or it was sent: ${mine[0]?.email}`);
    } else if (fate.kind === 'created') linkedTo(null);
    else if (fate.kind === 'skipped') leftOut(fate.code);
    else if (outcome.status === 'SYNCED') {
      linkedTo(fate.contactId);
      winners.set(fate.group, [...(winners.get(fate.group) ?? []), customerId]);
    } else leftOut('already_linked');
  }
  const groups = new Set([...story.fates.values()].flatMap((fate) => (fate.kind === 'one_of' ? [fate.group] : [])));
  for (const group of groups)
    if (winners.get(group)?.length !== 1)
      wrong.push(`${group}: ${winners.get(group)?.join(' and ') ?? 'nobody'} got it`);
  return wrong;
}
