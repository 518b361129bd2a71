import type { Connection } from '../domain/connection.ts';
import { canonical, canonicalTag } from '../domain/canonical.ts';
import type { FieldRow, TagMap } from '../domain/fieldMap.ts';
import { type GhlEventType, isEcho, isStale, type ShownContact } from '../domain/ghlDelivery.ts';
import { tagsOfContact, valuesOfContact } from '../domain/observe.ts';
import { createFieldResolver, readWorkflowBody } from '../domain/workflowBody.ts';
import { deliveredContact, readGhlHead } from '../platforms/ghl/webhooks.ts';
import type { Db } from '../store/db.ts';
import type { FoldRow } from '../store/foldQueue.ts';
import { type GhlFolded, markGhlFolded } from '../store/ghlInbox.ts';
import { markContacts, type NewMark } from '../store/marks.ts';
import type { Store } from '../store/store.ts';
import { isUninstalled, takeAppEvent } from './appInstalled.ts';
import { knownContact, type Standing, standingsOf } from './ghlStanding.ts';

export interface StageGhlNeeds {
  store: Store;
  rows: readonly FieldRow[];
  tagMap: TagMap;
  /** Of the app whose INSTALL and UNINSTALL concern us; null = any. */
  ghlAppId: string | null;
}

/** A delivery about a contact, as far as it can be read. */
interface ContactDelivery {
  row: FoldRow;
  type: GhlEventType | 'ContactDelete';
  contactId: string;
  /** null = its form is not known: only that something happened is. */
  shown: ShownContact | null;
}

type Read =
  | { kind: 'contact'; delivery: ContactDelivery }
  | { kind: 'app'; row: FoldRow; installed: boolean; appId: string | null }
  | { kind: 'skip'; row: FoldRow; reason: 'unreadable' | 'event_without_effect' };

const CONTACT_EVENTS: readonly string[] = [
  'ContactCreate',
  'ContactUpdate',
  'ContactTagUpdate',
  'ContactDndUpdate',
  'ContactDelete',
];

const NOTHING_SHOWN: ShownContact = { values: {}, tags: null, dnd: null, dateAddedMs: null };

/** Whether a delivery is for `stageGhl`. */
export const isOfGhl = (row: Pick<FoldRow, 'source'>): boolean => row.source === 'ghl' || row.source === 'ghl_workflow';

/**
 * Takes GHL's deliveries and workflow calls in, in the caller's transaction (SPEC §3.1). They fold no values: each is an
 * echo, or marks its contact for a read, or concerns nobody. A handful of queries for any number of rows.
 */
export async function stageGhl(
  needs: StageGhlNeeds,
  db: Db,
  connection: Connection,
  rows: readonly FoldRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const { store } = needs;
  const reads = createReader(needs.rows, connection);
  const outcomes: GhlFolded[] = [];
  const contacts: ContactDelivery[] = [];
  for (const row of rows) {
    const read = reads(row);
    if (read.kind === 'contact') contacts.push(read.delivery);
    else if (read.kind === 'skip') outcomes.push({ id: row.id, status: 'skipped', reason: read.reason });
    else outcomes.push(await foldAppEvent(needs, db, connection, read));
  }
  const marks: NewMark[] = [];
  if (contacts.length > 0) {
    const stopped = await stoppedReason(store, db, connection);
    // In observe no contact is planned from, so none is read (SPEC §1).
    const judge =
      connection.mode === 'observe' ? () => 'observe' as const : await createJudge(needs, db, connection, contacts);
    for (const delivery of contacts) {
      const { row } = delivery;
      const verdict = judge(delivery);
      if (verdict === 'mark')
        marks.push({ contactId: delivery.contactId, eventId: row.source === 'ghl' ? row.id : null });
      // Whatever it says of its contact: of a location that is stopped, or too old, it is left out (SPEC §3.1).
      const left = stopped ?? (isTooOld(row) ? 'stale' : null);
      if (left !== null) outcomes.push({ id: row.id, status: 'skipped', reason: left });
      else outcomes.push({ id: row.id, status: 'folded', reason: verdict === 'mark' ? null : verdict });
    }
  }
  await markContacts(store, db, connection.id, marks);
  await markGhlFolded(store, db, outcomes, store.clock.now());
}

const isTooOld = ({ occurredAt, receivedAt }: FoldRow): boolean => isStale(occurredAt.getTime(), receivedAt.getTime());

/** Why nothing of this location may be worked now; its contacts stay marked until it may. */
async function stoppedReason(store: Store, db: Db, connection: Connection): Promise<string | null> {
  if (connection.state !== 'ready') return 'connection_paused';
  return (await isUninstalled(store, db, connection.id)) ? 'app_uninstalled' : null;
}

/** Also while the location is stopped: an installation is what ends that, and resuming has to know of the app's end. */
async function foldAppEvent(
  { store, ghlAppId }: StageGhlNeeds,
  db: Db,
  connection: Connection,
  { row, installed, appId }: Extract<Read, { kind: 'app' }>,
): Promise<GhlFolded> {
  // GHL signs the webhooks of every app with one key: another app's coming and going is nothing to us.
  if (ghlAppId !== null && appId !== null && appId !== ghlAppId)
    return { id: row.id, status: 'skipped', reason: 'other_app' };
  if (isTooOld(row)) return { id: row.id, status: 'skipped', reason: 'stale' };
  const taken = await takeAppEvent(store, db, connection.id, { installed, atMs: row.occurredAt.getTime() });
  return { id: row.id, status: 'folded', reason: taken ? null : 'older_than_known' };
}

/** Reads stored deliveries: canonical values as the connection's location has them. */
function createReader(rows: readonly FieldRow[], connection: Connection): (row: FoldRow) => Read {
  const fieldIds = connection.location?.fieldIds ?? {};
  const timeZone = connection.timeZone ?? connection.location?.timeZone ?? 'UTC';
  const locale = { defaultCountry: connection.defaultCountry, timeZone };
  const resolve = createFieldResolver(rows);
  const byKey = new Map(rows.map((row) => [row.key, row]));

  const workflow = (row: FoldRow, json: unknown): Read => {
    const body = readWorkflowBody(json, resolve);
    if (body?.contactId == null) return { kind: 'skip', row, reason: 'unreadable' };
    const values = Object.fromEntries(
      Object.entries(body.shown).map(([key, value]) => [
        key,
        canonical(byKey.get(key)?.valueType ?? 'text', value, locale),
      ]),
    );
    const shown: ShownContact = {
      values,
      tags: body.tags && tagsOfContact(body.tags),
      dnd: null,
      dateAddedMs: body.createdAt === null ? null : msOf(Date.parse(body.createdAt)),
    };
    return { kind: 'contact', delivery: { row, type: 'workflow', contactId: body.contactId, shown } };
  };

  return (row) => {
    const json = parsed(row.payload);
    if (row.source === 'ghl_workflow') return workflow(row, json);
    const head = readGhlHead(json);
    if (!head) return { kind: 'skip', row, reason: 'unreadable' };
    const { type, contactId, appId } = head;
    if (type === 'INSTALL' || type === 'UNINSTALL') return { kind: 'app', row, installed: type === 'INSTALL', appId };
    if (!CONTACT_EVENTS.includes(type)) return { kind: 'skip', row, reason: 'event_without_effect' };
    if (contactId === null) return { kind: 'skip', row, reason: 'unreadable' };
    const contact = deliveredContact(json);
    const made = type === 'ContactCreate' ? row.occurredAt.getTime() : null;
    const shown = contact && {
      values: valuesOfContact(contact, rows, fieldIds, locale),
      tags: contact.hasTags ? tagsOfContact(contact.tags) : null,
      dnd: contact.dnd ?? null,
      dateAddedMs: contact.dateAdded?.getTime() ?? made,
    };
    return { kind: 'contact', delivery: { row, type: type as ContactDelivery['type'], contactId, shown } };
  };
}

const msOf = (value: number): number | null => (Number.isNaN(value) ? null : value);

function parsed(payload: string | null): unknown {
  try {
    return payload === null ? null : JSON.parse(payload);
  } catch {
    return null;
  }
}

type Verdict = 'mark' | 'echo' | 'not_linked';

/** Looks everything up that a batch needs, then judges one delivery after the other. */
async function createJudge(
  needs: StageGhlNeeds,
  db: Db,
  connection: Connection,
  contacts: readonly ContactDelivery[],
): Promise<(delivery: ContactDelivery) => Verdict> {
  const asShown = ({ contactId, shown }: ContactDelivery) => ({ contactId, shown: shown ?? NOTHING_SHOWN });
  const standing = await standingsOf(needs.store, db, connection, needs.rows, contacts.map(asShown));
  const ownTags = new Set(Object.values(needs.tagMap.derived).map(canonicalTag));
  const fieldIds = connection.location?.fieldIds;
  const known = fieldIds && needs.rows.filter((row) => row.ghl !== 'custom' || fieldIds[row.key] !== undefined);

  const judgeLinked = (
    delivery: ContactDelivery,
    { link, contact }: Extract<Standing, { kind: 'linked' }>,
  ): Verdict => {
    const { row, type, shown } = delivery;
    // Too old to say what is, too odd to be compared, or the fields are not known at this moment: look.
    if (type === 'ContactDelete' || !shown || !known || isTooOld(row)) return 'mark';
    return isEcho(type, row.occurredAt.getTime(), shown, link, knownContact(contact), known, ownTags) ? 'echo' : 'mark';
  };

  return (delivery) => {
    const found = standing(asShown(delivery));
    const deleted = delivery.type === 'ContactDelete';
    switch (found.kind) {
      case 'linked':
        return judgeLinked(delivery, found);
      case 'being_made':
        return deleted ? 'mark' : 'echo';
      case 'gone':
        // Deleted again is no news; a contact that shows itself after its deletion may have been restored.
        return deleted ? 'echo' : 'mark';
      case 'unlinked':
        return !deleted && (found.matches || found.newcomer) ? 'mark' : 'not_linked';
    }
  };
}
