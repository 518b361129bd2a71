import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

const TIMEOUT_MS = 10_000;

export interface Poster {
  /** The status that was answered; 0 when nobody did within ten seconds. */
  post(url: string, body: Buffer, headers: Record<string, string>): Promise<number>;
  close(): void;
}

/** Posts JSON bytes exactly as given: the signature is over them. */
export function createPoster(): Poster {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });
  return {
    post: (url, body, headers) =>
      new Promise((resolve) => {
        const secure = url.startsWith('https:');
        const request = (secure ? httpsRequest : httpRequest)(url, {
          method: 'POST',
          agent: secure ? https : http,
          timeout: TIMEOUT_MS,
          headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length), ...headers },
        });
        request.on('response', (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', () => resolve(0));
        });
        request.on('timeout', () => request.destroy());
        request.on('error', () => resolve(0));
        request.end(body);
      }),
    close() {
      http.destroy();
      https.destroy();
    },
  };
}
