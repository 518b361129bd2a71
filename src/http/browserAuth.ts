import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { constantTimeEqual } from '../platforms/signature.ts';
import { addressGroup } from './clientAddress.ts';
import { type Problem, sendProblem } from './problem.ts';

export interface BrowserAuthNeeds {
  adminToken: string;
  adminPassword: string;
  /** Whether a person is signed in at the dashboard and may change things. */
  signedIn?: (req: Request) => Promise<boolean>;
  failuresPerMinute?: number;
}

const UNAUTHORIZED: Problem = {
  status: 401,
  code: 'unauthorized',
  title: 'Sign in',
  detail: 'Any user name, and ADMIN_PASSWORD (or ADMIN_TOKEN) as the password.',
  headers: { 'www-authenticate': 'Basic realm="sticky-ghl-sync", charset="UTF-8"' },
};
const TOO_MANY: Problem = {
  status: 429,
  code: 'too_many_failures',
  title: 'Too many failed attempts',
  detail: 'This address sent too many wrong passwords. Wait a minute, then send the right one.',
  retryAfterS: 60,
};

/**
 * For addresses that a person opens in a browser from a link: somebody signed in at the dashboard, the admin token as for
 * the API, or the browser's own question for a password. Only failed attempts are counted.
 */
export function browserAuth(needs: BrowserAuthNeeds): RequestHandler {
  const limit = rateLimit({
    windowMs: 60_000,
    limit: needs.failuresPerMinute ?? 10,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: (req) => addressGroup(req.ip ?? 'unknown'),
    validate: false,
    handler: (_req, res) => sendProblem(res, TOO_MANY),
  });
  const allowed = async (req: Request): Promise<boolean> => {
    const given = secretIn(req.get('authorization') ?? '');
    if (given !== null) {
      // Both are compared, whichever it is.
      const matches = [needs.adminToken, needs.adminPassword].map((secret) => constantTimeEqual(given, secret));
      return matches.includes(true);
    }
    return (await needs.signedIn?.(req)) ?? false;
  };
  return async (req: Request, res: Response, next: NextFunction) => {
    if (await allowed(req)) {
      next();
      return;
    }
    // A first visit without a password is no attempt.
    if (req.get('authorization') === undefined) sendProblem(res, UNAUTHORIZED);
    else void limit(req, res, () => sendProblem(res, UNAUTHORIZED));
  };
}

function secretIn(authorization: string): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization)?.[1];
  if (basic === undefined) return null;
  const pair = Buffer.from(basic, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
