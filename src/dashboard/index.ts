import { type NextFunction, type Request, type Response, Router } from 'express';
import { sessionOf } from '../store/sessions.ts';
import { ensureAdmin } from '../store/users.ts';
import { cookieOf, SESSION_COOKIE } from './auth/cookies.ts';
import { loginRouter } from './auth/login.ts';
import { errorPages } from './errors.ts';
import type { DashboardNeeds } from './needs.ts';
import { auditPages } from './pages/audit.ts';
import { commandPages } from './pages/commands.ts';
import { connectionPages } from './pages/connections.ts';
import { customerPages } from './pages/customers.ts';
import { customerPage } from './pages/customer.ts';
import { inboxPages } from './pages/inbox.ts';
import { overviewPage } from './pages/overview.ts';
import { problemPages } from './pages/problems.ts';
import { runPage } from './pages/run.ts';
import { runPages } from './pages/runs.ts';
import { liveRuns } from './pages/live.ts';
import { settingsPage } from './pages/settings.ts';
import { createRoutes } from './routes.ts';
import { staticFiles } from './static.ts';

export type { DashboardNeeds } from './needs.ts';

export interface Dashboard {
  router: Router;
  /** Whether an operator sends this request from a browser that is signed in. */
  signedIn: (req: Request) => Promise<boolean>;
}

/** Only what this service serves itself is loaded, run and asked; nobody may put a page into a frame. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The pages for operators (SPEC §6), to be mounted at `/` behind everything else. */
export function createDashboard(needs: DashboardNeeds): Dashboard {
  const router = Router();
  let made: Promise<void> | null = null;
  const ready = () =>
    (made ??= ensureAdmin(needs.store, needs.adminPassword).catch((error: unknown) => {
      made = null;
      throw error;
    }));

  router.use((_req: Request, res: Response, next: NextFunction) => {
    res.set({ 'content-security-policy': CONTENT_SECURITY_POLICY, 'referrer-policy': 'same-origin' });
    next();
  });
  router.use('/assets', staticFiles(needs.assets));
  router.use((_req: Request, res: Response, next: NextFunction) => {
    res.set('cache-control', 'no-store');
    next();
  });
  router.use(loginRouter(needs, ready));

  const routes = createRoutes(router, needs, ready);
  overviewPage(routes, needs);
  customerPages(routes, needs);
  customerPage(routes, needs);
  problemPages(routes, needs);
  commandPages(routes, needs);
  runPages(routes, needs);
  runPage(routes, needs);
  liveRuns(routes, needs);
  inboxPages(routes, needs);
  connectionPages(routes, needs);
  settingsPage(routes, needs);
  auditPages(routes, needs);

  router.use(...errorPages(needs.log));
  return {
    router,
    signedIn: async (req) => {
      const token = cookieOf(req, SESSION_COOKIE);
      if (token === null) return false;
      await ready();
      return (await sessionOf(needs.store, token))?.user.role === 'operator';
    },
  };
}
