import { parseCookie, stringifySetCookie } from 'cookie';
import type { Request, Response } from 'express';

/** The signed-in browser. */
export const SESSION_COOKIE = 'sticky_session';
/** A browser that looks at the sign-in form: ties the form to it. */
export const VISITOR_COOKIE = 'sticky_visitor';

export const cookieOf = (req: Request, name: string): string | null => {
  const value = parseCookie(req.headers.cookie ?? '')[name];
  return value === undefined || value === '' ? null : value;
};

/**
 * Never readable by scripts, never sent along by other sites' forms, only over https where the browser came by https:
 * directly, through a trusted proxy, or by the host of PUBLIC_URL.
 */
function secure(req: Request, publicUrl: string | null): boolean {
  if (req.secure) return true;
  return publicUrl?.startsWith('https:') === true && new URL(publicUrl).host === req.headers.host;
}

/** Until the browser is closed, unless the server ends the session before. */
export const setCookie = (res: Response, name: string, value: string, publicUrl: string | null): void => {
  res.append('set-cookie', cookieText(res.req, name, value, publicUrl));
};

export const clearCookie = (res: Response, name: string, publicUrl: string | null): void => {
  res.append('set-cookie', cookieText(res.req, name, '', publicUrl, 0));
};

const cookieText = (req: Request, name: string, value: string, publicUrl: string | null, maxAge?: number): string =>
  stringifySetCookie({
    name,
    value,
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: secure(req, publicUrl),
    ...(maxAge !== undefined && { maxAge }),
  });
