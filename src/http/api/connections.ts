import { randomBytes } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Connection } from '../../domain/connection.ts';
import type { ConnectionPatch } from '../../domain/connectionSettings.ts';
import { stoppedBecause } from '../../domain/notConnected.ts';
import { AppError } from '../../errors.ts';
import { connectionInput, directionBody } from './connectionInput.ts';
import { actorOf, noParameters, parse, parseBody, pathPart } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { byName, defined, limit, pageByName } from './page.ts';
import { addSetupRoutes } from './setup.ts';

export const connectionListQuery = z.strictObject({ limit, ...byName });

/** A connection as the API shows it (SPEC §6.1), with its other settings; of secrets only which are set. */
export const connectionShape = (c: Connection) => ({
  id: c.id,
  mode: c.mode,
  dialect: c.dialect,
  ghlLocationId: c.ghl.locationId,
  stickyCardsApiBaseUrl: c.stickyCards.apiBaseUrl,
  defaultCountry: c.defaultCountry,
  timeZone: c.timeZone ?? c.location?.timeZone ?? null,
  pipelineId: c.ghl.pipelineId,
  stageId: c.ghl.stageId,
  paused: c.pausedDirections,
  state: c.state,
  reason: stoppedBecause(c),
  activatedAt: c.activatedAt,
  ghlApiBaseUrl: c.ghl.apiBaseUrl,
  stickyCardsWorkspace: c.stickyCards.workspace,
  stickyCardsWebhookMode: c.stickyCards.webhookMode,
  stickyCardsTemplateId: c.stickyCards.templateId,
  balanceMode: c.stickyCards.balanceMode,
  createCustomers: c.createCustomers,
  lowRating: c.lowRating,
  pointsLimit: c.pointsLimit,
  stickerPartnerOrgId: c.sticker.partnerOrgId,
  test: c.test,
  fieldMap: c.fieldMap,
  tagMap: c.tagMap,
  secretsSet: secretsSet(c),
});

const secretsSet = (c: Connection): string[] => {
  const set: Record<string, boolean> = {
    ghlAccessToken: c.ghl.accessToken !== null,
    ghlOAuth: c.ghl.oauth !== null,
    ghlWorkflowKey: c.ghl.workflowKey !== null,
    stickyCardsApiKey: c.stickyCards.apiKey !== null,
    stickyCardsWebhookSecrets: c.stickyCards.webhookSecrets.length > 0,
    stickerWebhookSecret: c.sticker.webhookSecret !== null,
  };
  return Object.keys(set).filter((name) => set[name]);
};

/** Secrets of ours that were not given: made up, and shown in this one answer. */
function generatedSecrets(given: ConnectionPatch): { patch: ConnectionPatch; shown: Record<string, string> } {
  const patch: ConnectionPatch = {};
  const shown: Record<string, string> = {};
  const make = () => randomBytes(32).toString('base64url');
  if ((given.stickyCardsWebhookSecrets ?? []).length === 0) {
    shown['generatedWebhookSecret'] = make();
    patch.stickyCardsWebhookSecrets = [shown['generatedWebhookSecret']];
  }
  if (given.ghlWorkflowKey === undefined || given.ghlWorkflowKey === null) {
    shown['generatedWorkflowKey'] = make();
    patch.ghlWorkflowKey = shown['generatedWorkflowKey'];
  }
  return { patch, shown };
}

/** `/api/connections`: set up, change, activate, pause. Secrets go in and never come out. */
export function connectionsRouter(needs: ApiNeeds): Router {
  const { connections, registry, dialects, maps, firstLink } = needs;
  const router = Router();
  const input = connectionInput({ dialects, maps });

  /** Answered when the receivers go by it too. */
  const answer = async (
    res: Response,
    connection: Connection,
    status = 200,
    shownOnce: Record<string, string> = {},
  ) => {
    await registry.refresh();
    res.status(status).json({ ...connectionShape(connection), ...shownOnce });
  };

  router.get('/', async (req: Request, res: Response) => {
    const { rows, nextCursor } = pageByName(await connections.all(), parse(connectionListQuery, req.query));
    res.json({ items: rows.map(connectionShape), nextCursor });
  });

  router.post('/', async (req: Request, res: Response) => {
    const { name, mode: _, generateSecrets = false, ...settings } = parseBody(input.create, req);
    const patch = defined(settings) as ConnectionPatch;
    const generated = generateSecrets ? generatedSecrets(patch) : null;
    const made = await connections.create(name, { ...patch, ...generated?.patch }, actorOf(res));
    res.location(`/api/connections/${encodeURIComponent(made.id)}`);
    await answer(res, made, 201, generated?.shown);
  });

  /** The one that the path means. */
  const meant = async (req: Request): Promise<Connection> => {
    const id = pathPart(req, 'id');
    const connection = await connections.get(id);
    if (connection) return connection;
    throw new AppError('unknown_connection', `there is no connection "${id}"`, { httpStatus: 404 });
  };

  router.get('/:id', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    res.json(connectionShape(await meant(req)));
  });

  // Takes as long as the location's contacts take to be read: some seconds for each 10,000.
  router.get('/:id/first-link', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    res.json(await firstLink(await meant(req)));
  });

  addSetupRoutes(router, needs, meant);

  router.patch('/:id', async (req: Request, res: Response) => {
    const patch = defined(parseBody(input.patch, req)) as ConnectionPatch;
    await answer(res, await connections.patch(pathPart(req, 'id'), patch, actorOf(res)));
  });

  router.delete('/:id', async (req: Request, res: Response) => {
    parseBody(noParameters, req);
    await needs.removals.remove(pathPart(req, 'id'), actorOf(res));
    res.status(204).end();
  });

  for (const [verb, mode] of [
    ['activate', 'live'],
    ['observe', 'observe'],
  ] as const) {
    router.post(`/:id/${verb}`, async (req: Request, res: Response) => {
      parseBody(noParameters, req);
      await answer(res, await connections.setMode(pathPart(req, 'id'), mode, actorOf(res)));
    });
  }

  for (const verb of ['pause', 'resume'] as const) {
    router.post(`/:id/${verb}`, async (req: Request, res: Response) => {
      const { direction } = parseBody(directionBody, req);
      await answer(res, await connections[verb](pathPart(req, 'id'), actorOf(res), direction));
    });
  }

  return router;
}
