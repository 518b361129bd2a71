import { and, eq, or } from 'drizzle-orm';
import { listCommands } from '../../../src/store/commands.ts';
import type { Person } from './person.ts';
import type { World } from './world.ts';

const clip = (value: unknown, max = 420): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === undefined ? '' : text.length > max ? `${text.slice(0, max)}…` : text;
};

/** Everything that happened to one person's record, in the order of time: edits, deliveries, calls. */
export async function storyOf(world: World, person: Person): Promise<string> {
  const { ghl, stickyCards, app } = world.t;
  const cardIds = stickyCards.state.cards(person.customerId).map(({ cardId }) => cardId);
  const ids = [person.contactId, person.customerId, ...cardIds].filter((id) => id !== '');
  const isAbout = (text: string) => ids.some((id) => text.includes(id));
  const names = new Map(
    ghl.state.customFields('LOC1').map(({ id, fieldKey }) => [id, fieldKey.slice('contact.'.length)]),
  );
  const readable = (text: string) => {
    let out = text;
    for (const [id, name] of names) out = out.replaceAll(id, name);
    return out;
  };
  const lines: { atMs: number; order: number; text: string }[] = [];
  const add = (atMs: number, order: number, text: string) => lines.push({ atMs, order, text });
  for (const { atMs, text } of world.log) add(atMs, 0, `—— ${text}`);
  for (const { atMs, text } of person.log) add(atMs, 1, `** ${text}`);
  for (const [name, journal] of [
    ['GHL', ghl.journal],
    ['Sticky', stickyCards.journal],
  ] as const)
    for (const { atMs, method, path, body, status, responseBody } of journal) {
      if (path === '/contacts/search' || !isAbout(`${path} ${JSON.stringify(body)}`)) continue;
      const answer = (responseBody as { contact?: unknown } | undefined)?.contact ?? responseBody;
      add(
        atMs,
        2,
        readable(`-> ${name} ${method} ${path} ${clip(body)} ⇒ ${status} ${clip(contactShort(answer, names))}`),
      );
    }
  const { webhookEvents: w } = app.store.s;
  const rows = await app.store.db
    .select()
    .from(w)
    .where(
      and(
        eq(w.connectionId, 'default'),
        or(
          eq(w.contactId, person.contactId),
          eq(w.customerId, person.customerId),
          ...cardIds.map((id) => eq(w.cardId, id)),
        ),
      ),
    );
  for (const row of rows)
    add(
      row.receivedAt.getTime(),
      3,
      `<- ${row.source} ${row.type} of ${row.occurredAt.toISOString().slice(11)} ${row.status} ${row.reason ?? ''} ${clip(contactShort(JSON.parse(row.payload ?? 'null'), names))}`,
    );
  const commands = (await listCommands(app.store, {}, 10_000)).filter((c) => isAbout(JSON.stringify(c)));
  for (const c of commands)
    add(
      c.createdAt.getTime(),
      4,
      `!! command ${c.kind} ${c.id} ${c.sourceEvent} ${clip(c.params)} now ${c.state} ${c.reason ?? ''}`,
    );
  lines.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
  const { entityMappings: e, contactMarks: m } = app.store.s;
  const [link] = await app.store.db.select().from(e).where(eq(e.stickycardsId, person.customerId));
  const marks = await app.store.db.select().from(m).where(eq(m.ghlContactId, person.contactId));
  return [
    `person ${person.n}: contact ${person.contactId}, customer ${person.customerId}`,
    ...lines.map(({ atMs, text }) => `${new Date(atMs).toISOString().slice(11)} ${text}`),
    `link ${JSON.stringify(link?.fields)} ${JSON.stringify(link?.tags)} ${JSON.stringify(link?.metadata)}`,
    `marks ${JSON.stringify(marks)}`,
    `contact ${JSON.stringify(ghl.state.contact(person.contactId))}`,
    `customer ${JSON.stringify(stickyCards.state.customer(person.customerId))}`,
    `cards ${JSON.stringify(stickyCards.state.cards(person.customerId))}`,
  ].join('\n');
}

/** A contact without what never changes. */
function contactShort(answer: unknown, names: Map<string, string>): unknown {
  if (typeof answer !== 'object' || answer === null || !('customFields' in answer)) return answer;
  const { firstName, lastName, email, phone, tags, dnd, customFields, dateUpdated } = answer as Record<string, unknown>;
  const custom = Array.isArray(customFields)
    ? Object.fromEntries(
        (customFields as { id: string; value: unknown }[])
          .map(({ id, value }) => [names.get(id) ?? id, value] as const)
          .filter(([name]) =>
            ['loyalty_points', 'bonus_points', 'card_status', 'opt_in_status', 'card_id'].includes(name),
          ),
      )
    : customFields;
  return { firstName, lastName, email, phone, tags, dnd, custom, dateUpdated };
}
