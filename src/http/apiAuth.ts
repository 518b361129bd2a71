import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { constantTimeEqual } from '../platforms/signature.ts';
import { addressGroup } from './clientAddress.ts';
import { type Problem, sendProblem } from './problem.ts';

const UNAUTHORIZED: Problem = {
  status: 401,
  code: 'unauthorized',
  title: 'The admin token is missing or wrong',
  detail: 'Send the header "Authorization: Bearer <ADMIN_TOKEN>".',
  headers: { 'www-authenticate': 'Bearer realm="sticky-ghl-sync"' },
};
const TOO_MANY: Problem = {
  status: 429,
  code: 'too_many_failures',
  title: 'Too many failed attempts',
  detail: 'This address sent too many wrong tokens. Wait a minute, then send the right one.',
  retryAfterS: 60,
};

/** Lets requests with the admin token through; only failed attempts are counted, `failuresPerMinute` for each client. */
export function bearerAuth(adminToken: string, failuresPerMinute = 30): RequestHandler {
  const limit = rateLimit({
    windowMs: 60_000,
    limit: failuresPerMinute,
    standardHeaders: false,
    legacyHeaders: false,
    skipSuccessfulRequests: true,
    keyGenerator: (req) => addressGroup(req.ip ?? 'unknown'),
    validate: false,
    handler: (_req, res) => sendProblem(res, TOO_MANY),
  });
  return (req: Request, res: Response, next: NextFunction) => {
    const token = /^Bearer +(\S+) *$/i.exec(req.get('authorization') ?? '')?.[1];
    if (token !== undefined && constantTimeEqual(token, adminToken)) {
      next();
      return;
    }
    void limit(req, res, () => sendProblem(res, UNAUTHORIZED));
  };
}
