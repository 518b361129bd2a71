import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { findEvents } from '../../store/activityQueries.ts';
import { getEvent, type InboxRow } from '../../store/inbox.ts';
import { NO_CONNECTION } from '../rejections.ts';
import { idText, noParameters, oneOf, parse, pathPart } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { defined, page, paging } from './page.ts';

const STATUSES = ['received', 'folded', 'waiting', 'skipped', 'rejected'] as const;
const SOURCES = ['stickycards', 'ghl', 'ghl_workflow', 'sticker', 'self', 'read'] as const;

const listQuery = z.strictObject({
  ...paging('evt_'),
  connection: idText.optional(),
  status: oneOf(STATUSES).optional(),
  source: oneOf(SOURCES).optional(),
  type: idText.optional(),
  customerId: idText.optional(),
});

/** A delivery or observation as the API shows it (SPEC §6.1); of a rejected one nothing that could be about a person. */
export function eventShape(row: InboxRow) {
  const rejected = row.status === 'rejected';
  return {
    id: row.id,
    connection: row.connectionId === NO_CONNECTION ? null : row.connectionId,
    source: row.source,
    type: row.type,
    occurredAt: row.occurredAt,
    receivedAt: row.receivedAt,
    // In capitals like the sync status (SPEC §2.1: "marked SKIPPED"); filters take any case.
    status: row.status.toUpperCase(),
    reason: row.reason,
    flags: row.flags,
    verification: row.verification,
    customerId: rejected ? null : row.customerId,
    duplicates: row.duplicates,
    payload: rejected || row.payload === null ? null : readPayload(row.payload),
  };
}

/** Deeper than any real delivery; what lies deeper could not be written out again. */
const DEPTH_MAX = 100;

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth >= DEPTH_MAX || Object.values(value).some((inner) => isTooDeep(inner, depth + 1));
}

/** As JSON; what is no JSON, or nested beyond reason, as the text that it came as. */
function readPayload(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return isTooDeep(json, 0) ? text : json;
  } catch {
    return text;
  }
}

/** `/api/events`: the inbox, newest first. */
export function eventsRouter({ store }: ApiNeeds): Router {
  const router = Router();

  router.get('/', async (req: Request, res: Response) => {
    const query = parse(listQuery, req.query);
    const { limit: _, cursor: __, ...filter } = query;
    res.json(await page(query, (limit, before) => findEvents(store, defined(filter), limit, before), eventShape));
  });

  router.get('/:id', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    const event = await getEvent(store, pathPart(req, 'id'));
    if (!event) {
      throw new AppError('unknown_event', 'there is no event with this id: it is the receiptId that the sender got', {
        httpStatus: 404,
      });
    }
    res.json(eventShape(event));
  });

  return router;
}
