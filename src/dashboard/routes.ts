import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { NOT_STORABLE, unstorableIn } from '../domain/storableText.ts';
import { AppError } from '../errors.ts';
import { openProblems } from '../store/dashboardQueries.ts';
import { type Session, sessionOf } from '../store/sessions.ts';
import { clearCookie, cookieOf, SESSION_COOKIE } from './auth/cookies.ts';
import { checkCsrf, csrfToken } from './auth/csrf.ts';
import { localPath } from './auth/localPath.ts';
import type { Page, PageContext } from './context.ts';
import { document } from './layout.ts';
import type { DashboardNeeds } from './needs.ts';
import { href } from './parts/basics.ts';
import { zoneOfConnection } from './parts/zone.ts';

/** What a button led to: where the browser goes on, and what it is told there (notices.ts). */
export interface Done {
  /** Left out: back to the page that the button stood on. */
  to?: string;
  notice?: string;
  n?: number;
}

/** The page is another one. */
export interface Elsewhere {
  elsewhere: string;
}

export type Form = Readonly<Record<string, string>>;

/** How pages are put on the router: each sees only whoever is signed in. */
export interface Routes {
  page(path: string, show: (ctx: PageContext, req: Request) => Promise<Page | Elsewhere> | Page): void;
  /** A button: operators only, with its form's token. */
  action(path: string, perform: (ctx: PageContext, req: Request, form: Form) => Promise<Done>): void;
  /** Anything that is no page: files, streams. */
  raw(path: string, send: (ctx: PageContext, req: Request, res: Response) => Promise<void> | void): void;
}

export const formBody = express.urlencoded({ extended: false, limit: '64kb' });

const strings = (values: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries((values ?? {}) as Record<string, unknown>).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );

/** An address or a form that no page and no button made. Throws `invalid_parameter` (400). */
function checkText(req: Request): void {
  for (const given of [req.params, req.query, req.body] as unknown[]) {
    const field = unstorableIn(given ?? {});
    if (field !== null) throw new AppError('invalid_parameter', `${field}: ${NOT_STORABLE}.`, { httpStatus: 400 });
  }
}

/** Routes of signed-in people on `router`. `ready` makes the user `admin` before any session is believed. */
export function createRoutes(router: Router, needs: DashboardNeeds, ready: () => Promise<void>): Routes {
  const { store, registry, publicUrl } = needs;

  const contextOf = (req: Request, { user }: Session, token: string): PageContext => ({
    user,
    mayWrite: user.role === 'operator',
    csrf: csrfToken(token),
    url: req.originalUrl,
    query: strings(req.query),
    nowMs: store.clock.nowMs(),
    connectionIds: registry
      .all()
      .map(({ id }) => id)
      .toSorted(),
    zoneOf: (connectionId) => (connectionId === null ? 'UTC' : zoneOfConnection(registry.get(connectionId))),
  });

  const signedIn =
    (work: (ctx: PageContext, req: Request, res: Response, token: string) => Promise<void> | void) =>
    async (req: Request, res: Response, _next: NextFunction) => {
      const token = cookieOf(req, SESSION_COOKIE);
      if (token !== null) await ready();
      const session = token === null ? null : await sessionOf(store, token);
      if (token !== null && session !== null) {
        checkText(req);
        await work(contextOf(req, session, token), req, res, token);
        return;
      }
      if (token !== null) clearCookie(res, SESSION_COOKIE, publicUrl);
      // A button leads back to the page that it stood on, for pressing it once more.
      const wanted = req.method === 'GET' ? req.originalUrl : localPath(strings(req.body)['back']);
      res.redirect(303, href('/login', wanted === '/' ? {} : { next: wanted }));
    };

  return {
    page: (path, show) =>
      void router.get(
        path,
        signedIn(async (ctx, req, res) => {
          const page = await show(ctx, req);
          if ('elsewhere' in page) res.redirect(303, page.elsewhere);
          else await sendPage(needs, res, ctx, page);
        }),
      ),
    action: (path, perform) =>
      void router.post(
        path,
        formBody,
        signedIn(async (ctx, req, res, token) => {
          checkCsrf(req, token);
          if (!ctx.mayWrite) throw viewersOnlyLook();
          const form = strings(req.body);
          const { to, notice, n } = await perform(ctx, req, form);
          res.redirect(303, withNotice(to ?? localPath(form['back']), notice, n));
        }),
      ),
    raw: (path, send) =>
      void router.get(
        path,
        signedIn((ctx, req, res) => send(ctx, req, res)),
      ),
  };
}

export const sendPage = async (
  needs: Pick<DashboardNeeds, 'store' | 'sandbox' | 'stopped'>,
  res: Response,
  ctx: PageContext,
  page: Page,
): Promise<void> => {
  const around = { openProblems: await openProblems(needs.store), sandbox: needs.sandbox, stopped: needs.stopped };
  res
    .status(page.status ?? 200)
    .type('html')
    .send(document(ctx, page, around));
};

const viewersOnlyLook = () =>
  new AppError('viewer', 'You are signed in as a viewer: you see everything and change nothing. Ask an operator.', {
    httpStatus: 403,
  });

function withNotice(path: string, notice: string | undefined, n: number | undefined): string {
  const { pathname, searchParams } = new URL(path, 'http://here');
  searchParams.delete('notice');
  searchParams.delete('n');
  return href(pathname, { ...Object.fromEntries(searchParams), notice, n });
}
