import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import { AppError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { html } from './html.ts';
import { plainDocument } from './layout.ts';

const TITLES: Record<number, string> = {
  400: 'That cannot be done like this',
  403: 'Not allowed',
  404: 'Not found',
  409: 'It does not fit the present state',
  503: 'Not available for the moment',
};

const page = (title: string, text: string): string =>
  plainDocument(
    title,
    html`<p>${text}</p>
      <p><a href="/">To the overview</a></p>`,
  );

const wantsPage = (req: Request): boolean => req.accepts(['json', 'html']) === 'html';

/** What a page says when it cannot be shown, and for addresses that there are none of; for browsers only. */
export function errorPages(log: Pick<Logger, 'error'>): [RequestHandler, ErrorRequestHandler] {
  const notFound = (req: Request, res: Response, next: NextFunction) => {
    if (!wantsPage(req)) next();
    else
      res
        .status(404)
        .type('html')
        .send(page('Not found', 'There is no page at this address. It may have been typed or copied wrongly.'));
  };
  const failed: ErrorRequestHandler = (error: unknown, req, res, next) => {
    // What Express found wrong with the request itself has its words there.
    if (res.headersSent || !wantsPage(req) || isOfRequest(error)) {
      next(error);
      return;
    }
    const known = error instanceof AppError ? error : null;
    const status = known?.httpStatus ?? (known?.retry === 'later' ? 503 : 500);
    if (status === 500) log.error('a page failed', { route: routeOf(req), reason: messageOf(error), error });
    const text =
      known && status !== 500
        ? known.message
        : 'The page could not be made; nothing was changed by looking at it. The log of the service says why. Try again in a moment.';
    res
      .status(status)
      .type('html')
      .send(page(TITLES[status] ?? 'Something went wrong here', text));
  };
  return [notFound, failed];
}

const isOfRequest = (error: unknown): boolean => {
  const { status } = (error ?? {}) as { status?: unknown };
  return !(error instanceof AppError) && typeof status === 'number' && status < 500;
};

// Never the address itself: it may hold a person's id.
const routeOf = (req: Request): string => (req.route as { path?: string } | undefined)?.path ?? '';
