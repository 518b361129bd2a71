import { z } from 'zod';
import type { Store } from '../../store/store.ts';
import type { AuditRow, TimelineEntry } from '../../store/timelineQueries.ts';
import { commandShape } from './commands.ts';
import { eventHead } from './events.ts';
import { idText } from './input.ts';
import { logShape } from './logs.ts';
import { cursor, limit } from './page.ts';

export const timelineQuery = z.strictObject({
  connection: idText.optional(),
  limit,
  cursor: cursor((key) => /^[0-9A-Z]{26}$/.test(key)),
});

/** A row of the audit log; before and after never hold a secret. */
export const auditShape = (row: AuditRow) => ({
  id: row.id,
  connection: row.connectionId,
  actor: row.actor,
  action: row.action,
  subject: row.subject,
  before: row.before,
  after: row.after,
  createdAt: row.createdAt,
});

/** One entry of a person's story; `kind` names the property that holds it. */
export const timelineShape = (store: Pick<Store, 'clock'>, entry: TimelineEntry) => {
  const { id, at, kind } = entry;
  switch (entry.kind) {
    case 'event':
      return { id, at, kind, event: eventHead(entry.event) };
    case 'log':
      return { id, at, kind, log: logShape(entry.log) };
    case 'command':
      return { id, at, kind, command: commandShape(store, entry.command) };
    case 'audit':
      return { id, at, kind, audit: auditShape(entry.audit) };
  }
};
