import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../../errors.ts';

/** The token of the forms of whoever bears this cookie: nobody else can make it, and it does not tell the cookie. */
export const csrfToken = (cookie: string): string => createHash('sha256').update(`csrf\0${cookie}`).digest('base64url');

/** Throws `form_expired` (403) for a form that was not made for this cookie, or that another site sends. */
export function checkCsrf(req: Request, cookie: string | null): void {
  const site = req.get('sec-fetch-site');
  const fromHere = site === undefined || site === 'same-origin' || site === 'none';
  const { csrf } = (req.body ?? {}) as { csrf?: unknown };
  if (fromHere && cookie !== null && typeof csrf === 'string' && equal(csrf, csrfToken(cookie))) return;
  throw new AppError(
    'form_expired',
    'Nothing was done: this page was opened before you signed in again. Go back, reload the page, and press the button once more.',
    { httpStatus: 403 },
  );
}

function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}
