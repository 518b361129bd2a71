import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** Status 0: nobody answered within ten seconds. */
export interface Posted {
  status: number;
  body: string;
}

export interface Poster {
  post(url: string, body: Buffer, headers?: Record<string, string>): Promise<Posted>;
  close(): void;
}

const timeoutMs = 10_000;

/** Posts JSON bytes exactly as given: a signature is over them. */
export function createPoster(): Poster {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });

  function attempt(url: string, body: Buffer, headers: Record<string, string>): Promise<Posted | 'stale'> {
    return new Promise((resolve) => {
      const secure = url.startsWith('https:');
      const request: ClientRequest = (secure ? httpsRequest : httpRequest)(
        url,
        {
          method: 'POST',
          agent: secure ? https : http,
          timeout: timeoutMs,
          headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length), ...headers },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
          );
          response.on('error', () => resolve({ status: 0, body: '' }));
        },
      );
      request.on('timeout', () => request.destroy());
      // A kept connection that the other side closed at the same moment says nothing about this request.
      request.on('error', (error: NodeJS.ErrnoException) =>
        resolve(request.reusedSocket && error.code === 'ECONNRESET' ? 'stale' : { status: 0, body: '' }),
      );
      request.end(body);
    });
  }

  return {
    async post(url, body, headers = {}) {
      for (;;) {
        const posted = await attempt(url, body, headers);
        if (posted !== 'stale') return posted;
      }
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}
