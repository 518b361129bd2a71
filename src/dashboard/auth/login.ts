import { randomBytes } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { closeSession, openSession } from '../../store/sessions.ts';
import { userBy } from '../../store/users.ts';
import { html, type Html } from '../html.ts';
import { plainDocument } from '../layout.ts';
import type { DashboardNeeds } from '../needs.ts';
import { formBody } from '../routes.ts';
import { clearCookie, cookieOf, SESSION_COOKIE, setCookie, VISITOR_COOKIE } from './cookies.ts';
import { checkCsrf, csrfToken } from './csrf.ts';
import { localPath } from './localPath.ts';

/** `/login` and `/logout`. `ready` makes the user `admin` before anybody is let in. */
export function loginRouter(needs: DashboardNeeds, ready: () => Promise<void>): Router {
  const { store, publicUrl, passwordAttempts } = needs;
  const router = Router();

  const show = (
    req: Request,
    res: Response,
    options: { status?: number; name?: string; next: string; said?: Html },
  ) => {
    let visitor = cookieOf(req, VISITOR_COOKIE);
    if (visitor === null) {
      visitor = randomBytes(16).toString('base64url');
      setCookie(res, VISITOR_COOKIE, visitor, publicUrl);
    }
    res
      .status(options.status ?? 200)
      .type('html')
      .send(plainDocument('Sign in', form({ csrf: csrfToken(visitor), ...options })));
  };

  router.get('/login', (req: Request, res: Response) => {
    show(req, res, { next: localPath(req.query['next']) });
  });

  router.post('/login', formBody, async (req: Request, res: Response) => {
    const body = (req.body ?? {}) as Record<string, unknown>;
    const next = localPath(body['next']);
    const name = typeof body['name'] === 'string' ? body['name'].trim().toLowerCase() : '';
    const password = typeof body['password'] === 'string' ? body['password'] : '';
    const again = (status: number, said: Html) => show(req, res, { status, name, next, said });

    try {
      checkCsrf(req, cookieOf(req, VISITOR_COOKIE));
    } catch {
      again(403, html`This form was open for too long. Try once more; your browser has to accept cookies.`);
      return;
    }
    await ready();
    const checked = await passwordAttempts.check(req.ip ?? 'unknown', () => userBy(store, name, password));
    if (checked.kind === 'closed') {
      res.set('retry-after', String(checked.waitS));
      again(429, html`Too many wrong passwords. Wait ${Math.ceil(checked.waitS / 60)} minutes, then try again.`);
      return;
    }
    if (checked.kind === 'wrong') {
      again(
        401,
        html`The name or the password is wrong. An operator with access to the server can set a new one:
          <code>sticky-ghl users password ${name === '' ? '<name>' : name}</code>`,
      );
      return;
    }
    // A new cookie at every sign-in: one that somebody else planted is worth nothing.
    setCookie(res, SESSION_COOKIE, await openSession(store, checked.found.name), publicUrl);
    clearCookie(res, VISITOR_COOKIE, publicUrl);
    res.redirect(303, next);
  });

  router.post('/logout', formBody, async (req: Request, res: Response) => {
    const token = cookieOf(req, SESSION_COOKIE);
    checkCsrf(req, token);
    if (token !== null) await closeSession(store, token);
    clearCookie(res, SESSION_COOKIE, publicUrl);
    res.redirect(303, '/login');
  });

  return router;
}

const form = (shown: { csrf: string; name?: string; next: string; said?: Html }): Html => html`
  <form method="post" action="/login" class="sign-in">
    ${shown.said === undefined ? null : html`<p class="notice bad" role="alert">${shown.said}</p>`}
    <input type="hidden" name="csrf" value=${shown.csrf} />
    <input type="hidden" name="next" value=${shown.next} />
    <label
      ><span>Name</span>
      <input name="name" value=${shown.name ?? ''} autocomplete="username" autocapitalize="none" required autofocus
    /></label>
    <label
      ><span>Password</span> <input type="password" name="password" autocomplete="current-password" required
    /></label>
    <button type="submit" class="main">Sign in</button>
    <p class="mute">
      The user <b>admin</b> has the password of <code>ADMIN_PASSWORD</code>. Where that was not set, the first start
      made one up and printed it.
    </p>
  </form>
`;
