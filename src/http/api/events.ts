import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { parseExactly } from '../../domain/exactJson.ts';
import { AppError } from '../../errors.ts';
import { findEvents } from '../../store/activityQueries.ts';
import { getEvent, type InboxRow } from '../../store/inbox.ts';
import { replayEvent } from '../../store/replay.ts';
import type { Store } from '../../store/store.ts';
import type { TimelineEvent } from '../../store/timelineQueries.ts';
import { NO_CONNECTION } from '../rejections.ts';
import { actorOf, idText, noParameters, oneOf, parse, parseBody, pathPart } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { defined, page, paging } from './page.ts';
import { runFor, wait } from './runFor.ts';

export const EVENT_STATUSES = ['received', 'folded', 'waiting', 'skipped', 'rejected'] as const;
export const EVENT_SOURCES = ['stickycards', 'ghl', 'ghl_workflow', 'sticker', 'self', 'read'] as const;

export const eventListQuery = z.strictObject({
  ...paging('evt_'),
  connection: idText.optional(),
  status: oneOf(EVENT_STATUSES).optional(),
  source: oneOf(EVENT_SOURCES).optional(),
  type: idText.optional(),
  customerId: idText.optional(),
});

/** Taking an event again may be waited for. */
export const replayBody = z.strictObject({ wait });

/** A delivery or observation without its body; of a rejected one nothing that could be about a person. */
export const eventHead = (row: TimelineEvent) => ({
  id: row.id,
  connection: row.connectionId === NO_CONNECTION ? null : row.connectionId,
  source: row.source,
  type: row.type,
  occurredAt: row.occurredAt,
  receivedAt: row.receivedAt,
  foldedAt: row.foldedAt,
  // In capitals like the sync status (SPEC §2.1: "marked SKIPPED"); filters take any case.
  status: row.status.toUpperCase(),
  reason: row.reason,
  flags: row.flags,
  verification: row.verification,
  customerId: row.status === 'rejected' ? null : row.customerId,
  duplicates: row.duplicates,
});

/** A delivery or observation as the API shows it (SPEC §6.1). */
export const eventShape = (row: InboxRow) => ({
  ...eventHead(row),
  payload: row.status === 'rejected' || row.payload === null ? null : readPayload(row.payload),
});

/** Deeper than any real delivery; what lies deeper could not be written out again. */
const DEPTH_MAX = 100;

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth >= DEPTH_MAX || Object.values(value).some((inner) => isTooDeep(inner, depth + 1));
}

/** As JSON; what is no JSON, or nested beyond reason, as the text that it came as. */
function readPayload(text: string): unknown {
  try {
    const json: unknown = parseExactly(text);
    return isTooDeep(json, 0) ? text : json;
  } catch {
    return text;
  }
}

const unknownEvent = () =>
  new AppError('unknown_event', 'there is no event with this id: it is the receiptId that the sender got', {
    httpStatus: 404,
  });

const NOT_POSSIBLE = {
  rejected: 'a refused delivery leaves no body behind: mend its cause, then have the sender send it again',
  pruned: 'its body was pruned after RETENTION_DAYS: resync the customer instead, which reads both sides anew',
  no_connection: 'it belongs to no connection: set the connection up, then have the sender send it again',
} as const;

/** `/api/events`: the inbox, newest first; one of it taken again. */
export function eventsRouter(needs: ApiNeeds): Router {
  const { store } = needs;
  const router = Router();

  router.get('/', async (req: Request, res: Response) => {
    const query = parse(eventListQuery, req.query);
    const { limit: _, cursor: __, ...filter } = query;
    res.json(await page(query, (limit, before) => findEvents(store, defined(filter), limit, before), eventShape));
  });

  router.get('/:id', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    const event = await getEvent(store, pathPart(req, 'id'));
    if (!event) throw unknownEvent();
    res.json(eventShape(event));
  });

  router.post('/:id/replay', async (req: Request, res: Response) => {
    const { wait: waited } = parseBody(replayBody, req);
    const id = pathPart(req, 'id');
    const event = await replayOrRefuse(store, id, actorOf(res));
    const { status, run } = await runFor(needs, event.connectionId, 'replay', waited);
    const now = waited ? await getEvent(store, id) : event;
    res.status(status).json({ event: eventShape(now ?? event), run });
  });

  return router;
}

/** Takes an event again. Throws AppError `unknown_event` (404), or `not_replayable` (409) that says what to do instead. */
export async function replayOrRefuse(store: Store, id: string, actor: string): Promise<InboxRow> {
  const replayed = await replayEvent(store, id, actor);
  if (!replayed) throw unknownEvent();
  if (replayed.kind === 'replayed') return replayed.event;
  throw new AppError('not_replayable', NOT_POSSIBLE[replayed.why], {
    httpStatus: 409,
    details: { reason: replayed.why },
  });
}
