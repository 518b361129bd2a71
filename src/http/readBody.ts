import type { IncomingMessage, ServerResponse } from 'node:http';
import { after } from '../clock.ts';
import type { BodyRequest } from './bodyRequest.ts';
import { type Problem, problemBody, problemHeaders } from './problem.ts';

const LINGER_MS = 2000;

/**
 * Reads the raw body and calls `done` once with it, or with 'too_large' as soon as more than `bytesMax` is announced or
 * has come; the rest is then left to `refuseUnread`. `done` is not called when the client goes away before the end.
 */
export function readBody(req: BodyRequest, bytesMax: number, done: (body: Buffer | 'too_large') => void): void {
  if (Number(req.headers['content-length'] ?? 0) > bytesMax) {
    done('too_large');
    return;
  }
  let first: Buffer | null = null;
  let more: Buffer[] | null = null;
  let size = 0;
  req.takeBody((chunk) => {
    if (chunk === null) {
      done(more ? Buffer.concat(more, size) : (first ?? Buffer.alloc(0)));
      return;
    }
    size += chunk.length;
    if (size > bytesMax) {
      req.takeBody(null);
      done('too_large');
    } else if (first === null) first = chunk;
    else (more ??= [first]).push(chunk);
  });
}

/**
 * Refuses a request whose body is still on its way, and closes. The answer is complete at once; the connection is held
 * for a moment while the rest is thrown away: closing over unread bytes would reset it, and the client would see a broken
 * connection in place of the answer.
 */
export function refuseUnread(req: IncomingMessage, res: ServerResponse, problem: Problem): void {
  if (res.headersSent || res.destroyed) return;
  const body = JSON.stringify(problemBody(problem));
  const headers = {
    ...problemHeaders(problem),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  res.writeHead(problem.status, headers);
  res.write(body);
  const end = () => {
    cancel();
    res.end();
  };
  const cancel = after(LINGER_MS, end);
  req.once('end', end);
  req.once('close', end);
  req.resume();
}
