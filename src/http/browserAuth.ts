import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { constantTimeEqual } from '../platforms/signature.ts';
import { bearerAuth } from './apiAuth.ts';
import type { PasswordAttempts } from './passwordAttempts.ts';
import { type Problem, sendProblem } from './problem.ts';

export interface BrowserAuthNeeds {
  adminToken: string;
  adminPassword: string;
  /** The count that the sign-in form keeps too: this door is no way around it. */
  passwordAttempts: PasswordAttempts;
  /** Whether a person is signed in at the dashboard and may change things. */
  signedIn?: (req: Request) => Promise<boolean>;
}

const TOKENS_PER_MINUTE = 10;
const UNAUTHORIZED: Problem = {
  status: 401,
  code: 'unauthorized',
  title: 'Sign in',
  detail: 'Any user name, and ADMIN_PASSWORD (or ADMIN_TOKEN) as the password.',
  headers: { 'www-authenticate': 'Basic realm="sticky-ghl-sync", charset="UTF-8"' },
};
const tooMany = (waitS: number): Problem => ({
  status: 429,
  code: 'too_many_failures',
  title: 'Too many failed attempts',
  detail:
    `Too many wrong passwords came from this address. Wait ${Math.ceil(waitS / 60)} minutes, then send the right one. ` +
    'Programs send "Authorization: Bearer <ADMIN_TOKEN>", which does not wait.',
  retryAfterS: waitS,
});

/**
 * For addresses that a person opens in a browser from a link: somebody signed in at the dashboard, the admin token as for
 * the API, or the browser's own question for a password. Only failed attempts are counted, those with a password before
 * it is compared.
 */
export function browserAuth(needs: BrowserAuthNeeds): RequestHandler {
  const byToken = bearerAuth(needs.adminToken, TOKENS_PER_MINUTE);
  const matches = (given: string): true | null => {
    // Both are compared, whichever it is.
    const equal = [needs.adminToken, needs.adminPassword].map((secret) => constantTimeEqual(given, secret));
    return equal.includes(true) || null;
  };
  return async (req: Request, res: Response, next: NextFunction) => {
    const authorization = req.get('authorization') ?? '';
    if (/^Bearer /i.test(authorization)) {
      byToken(req, res, next);
      return;
    }
    const given = passwordIn(authorization);
    if (given === null) {
      // A first visit without a password is no attempt.
      if (await needs.signedIn?.(req)) next();
      else sendProblem(res, UNAUTHORIZED);
      return;
    }
    const checked = await needs.passwordAttempts.check(req.ip ?? 'unknown', () => matches(given));
    if (checked.kind === 'right') next();
    else sendProblem(res, checked.kind === 'closed' ? tooMany(checked.waitS) : UNAUTHORIZED);
  };
}

function passwordIn(authorization: string): string | null {
  const basic = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization)?.[1];
  if (basic === undefined) return null;
  const pair = Buffer.from(basic, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
