import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  headers: IncomingHttpHeaders;
  rawBody: Buffer;
  body: Record<string, unknown>;
}

/** An HTTP server that keeps what is posted to it and answers 202 (or `answer.status`, or what `answer.statusOf` says of the one). */
export async function startWebhookSink() {
  const received: ReceivedWebhook[] = [];
  const answer: { status: number; statusOf?: (body: Record<string, unknown>) => number } = { status: 202 };
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks);
      const body = JSON.parse(rawBody.toString()) as Record<string, unknown>;
      received.push({ headers: request.headers, rawBody, body });
      response.writeHead(answer.statusOf?.(body) ?? answer.status).end();
      for (const wake of waiting.splice(0)) wake();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    received,
    answer,
    /** Resolves with the next delivery that arrives. */
    next: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
export type WebhookSink = Awaited<ReturnType<typeof startWebhookSink>>;
