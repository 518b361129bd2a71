import { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import { isStorable } from '../domain/storableText.ts';
import { AppError } from '../errors.ts';
import { createFailureLimit } from './failureLimit.ts';
import { type OAuthPage, sendPage } from './oauthPage.ts';

export interface OAuthNeeds {
  connect: {
    begin(connectionId: string, redirectUri: string): Promise<string>;
    complete(
      returned: { code: string; state: string },
      actor: string,
    ): Promise<{ connection: Connection; missingScopes: string[] }>;
  };
  /** Called after a connection changed, before the person is told. */
  refresh(): Promise<void>;
  /** Lets those through who may connect a location. */
  authorize: RequestHandler;
  defaultConnectionId: string;
  publicUrl: string | null;
  clock: Clock;
}

/** Returns of the browser that fail, of one client in a minute; a state cannot be guessed, this only spares the database. */
const FAILURES_PER_MINUTE = 30;

const one = z.string().min(1).max(2000);
const returned = z.object({ code: one, state: one });

/**
 * `GET /oauth/install?connection=` and `GET /oauth/callback` (SPEC §5). The first needs a person who may do it and sends
 * the browser to GHL with a state; the second is open, its state is its credential, and answers with a page.
 */
export function oauthRouter(needs: OAuthNeeds): Router {
  const { connect, publicUrl } = needs;
  const router = Router();
  const limit = createFailureLimit(needs.clock, FAILURES_PER_MINUTE);
  const baseOf = (req: Request): string => publicUrl ?? `${req.protocol}://${req.get('host') ?? 'localhost'}`;
  const installLink = (req: Request, connectionId: string): string =>
    `${baseOf(req)}/oauth/install?connection=${encodeURIComponent(connectionId)}`;

  /** Refusals are pages too: whoever reads them sits at a browser. */
  const refused = (req: Request, error: unknown): OAuthPage => {
    // What nobody foresaw goes to the error handler.
    if (!(error instanceof AppError) || error.httpStatus === undefined) throw error;
    const id = error.details?.['connectionId'];
    return {
      status: error.httpStatus,
      title: 'The location was not connected',
      text: [`${sentence(error.message)} Nothing was changed.`],
      code: error.code,
      ...(typeof id === 'string' ? { link: { href: installLink(req, id), text: 'Start again' } } : {}),
    };
  };

  router.get('/install', needs.authorize, async (req: Request, res: Response) => {
    const { connection = needs.defaultConnectionId } = req.query;
    const id = typeof connection === 'string' && isStorable(connection) ? connection : '';
    try {
      const location = await connect.begin(id, `${baseOf(req)}/oauth/callback`);
      res.set('cache-control', 'no-store').redirect(302, location);
    } catch (error) {
      sendPage(res, refused(req, error));
    }
  });

  const answer = async (req: Request): Promise<OAuthPage> => {
    if (typeof req.query['error'] === 'string') return NOT_ALLOWED;
    const given = returned.safeParse(req.query);
    if (!given.success) return typeof req.query['code'] === 'string' ? FROM_MARKETPLACE : NOTHING;
    const { connection, missingScopes } = await connect.complete(given.data, 'oauth');
    await needs.refresh();
    return done(connection, missingScopes);
  };

  router.get('/callback', async (req: Request, res: Response) => {
    const address = req.ip ?? 'unknown';
    const waitS = limit.wait(address);
    if (waitS !== null) {
      res.set('retry-after', String(waitS));
      sendPage(res, TOO_MANY);
      return;
    }
    const page = await answer(req).catch((error: unknown) => refused(req, error));
    if (page.status >= 400) limit.count(address);
    sendPage(res, page);
  });

  return router;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function done(connection: Connection, missing: string[]): OAuthPage {
  const next =
    connection.state === 'paused'
      ? 'The connection is paused: complete its settings, then resume it.'
      : connection.mode === 'observe'
        ? 'It observes and writes nothing until it is activated.'
        : 'Its runs go on by themselves.';
  const scopes = `GHL did not grant all that is needed. Missing: ${missing.join(', ')}. Add them to the app at the marketplace, then connect once more.`;
  return {
    status: 200,
    title: `${connection.id} is connected`,
    text: [
      `Connection "${connection.id}" is tied to GHL location ${connection.ghl.locationId ?? ''}.`,
      ...(missing.length > 0 ? [scopes] : []),
      `${next} This window may be closed.`,
    ],
    code: 'connected',
  };
}

const NOT_ALLOWED: OAuthPage = {
  status: 400,
  title: 'The location was not connected',
  text: ['GHL says that the installation was not allowed or was called off. Nothing was changed.'],
  code: 'oauth_denied',
};
const FROM_MARKETPLACE: OAuthPage = {
  status: 400,
  title: 'The app is installed, and the last step is missing',
  text: [
    'The installation was started at the marketplace, so this service cannot tell who may connect the location.',
    'Finish it here: open /oauth/install?connection= with the name of the connection. One was made for the new location and waits in the list of connections.',
  ],
  code: 'oauth_state_missing',
};
const NOTHING: OAuthPage = {
  status: 400,
  title: 'Nothing to do here',
  text: ['GHL sends the browser here at the end of an installation. Start one at /oauth/install?connection=<name>.'],
  code: 'oauth_nothing',
};
const TOO_MANY: OAuthPage = {
  status: 429,
  title: 'Too many attempts',
  text: ['Wait a minute, then start the installation again.'],
  code: 'too_many_failures',
};
