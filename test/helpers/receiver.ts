import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Connection } from '../../src/domain/connection.ts';
import { connectionParts, DEFAULT_SETTINGS, NO_SECRETS } from '../../src/domain/connectionSettings.ts';
import { createHttpServer, type HttpServerNeeds } from '../../src/http/server.ts';
import { silentLogger } from '../../src/log.ts';
import { createInboxAppender } from '../../src/store/inbox.ts';
import { openStore } from '../../src/store/store.ts';
import { sqliteUrl } from './databases.ts';

export const SECRET = 'whsec_7d1f0c';
export const OLD_SECRET = 'whsec_old_99';
export const ADMIN_TOKEN = 'admin-2f7c11';

export const sign = (body: string | Buffer, secret = SECRET): string =>
  createHmac('sha256', secret).update(body).digest('hex');

export const connection = (id: string, stickyCards: Partial<Connection['stickyCards']> = {}): Connection => {
  const parts = connectionParts('report', DEFAULT_SETTINGS, NO_SECRETS);
  return {
    ...parts,
    id,
    mode: 'observe',
    state: 'ready',
    reason: null,
    pausedDirections: [],
    stickyCards: { ...parts.stickyCards, webhookSecrets: [SECRET, OLD_SECRET], ...stickyCards },
    fingerprint: null,
    location: null,
    cursors: {},
    activatedAt: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
  };
};

/** The HTTP server with the real receiver and a real SQLite file, without the rest of the service. */
export async function startReceiver(options: { known?: Connection[]; clock?: Clock } & Partial<HttpServerNeeds> = {}) {
  const store = await openStore(sqliteUrl(), options.clock ?? systemClock);
  const inbox = options.inbox ?? createInboxAppender(store);
  const all = options.known ?? [
    connection('default'),
    connection('open', { webhookMode: 'log-only' }),
    connection('path', { webhookMode: 'path-secret' }),
    connection('bare', { webhookSecrets: [] }),
  ];
  const committed: string[] = [];
  const http = createHttpServer({
    store,
    connections: { get: (id) => all.find((c) => c.id === id) },
    defaultConnectionId: 'default',
    log: silentLogger,
    adminToken: ADMIN_TOKEN,
    trustProxy: false,
    onCommitted: (id) => committed.push(id),
    ...options,
    inbox,
  });
  const { url, port } = await http.listen(0, '127.0.0.1');

  const post = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      body: body as string,
      headers: { 'content-type': 'application/json', ...headers },
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    };
  };

  return {
    url,
    port,
    http,
    store,
    committed,
    post,
    /** A signed delivery to a connection (none = the path that names none). */
    deliver: (event: Record<string, unknown>, headers: Record<string, string> = {}, name?: string) => {
      const body = JSON.stringify(event);
      const path = `/webhooks/sticky-cards${name === undefined ? '' : `/${name}`}`;
      return post(path, body, { 'x-sticky-signature': sign(body), ...headers });
    },
    rows: () => store.db.select().from(store.s.webhookEvents).orderBy(store.s.webhookEvents.id),
    /** Sends bytes as they are and answers everything that comes back until the server closes. */
    raw: (write: (send: (bytes: string | Buffer) => void) => void | Promise<void>) =>
      new Promise<string>((resolve, reject) => {
        let received = '';
        const socket = connect(port, '127.0.0.1', () => void write((bytes) => void socket.write(bytes)));
        socket.on('data', (chunk) => (received += chunk.toString('latin1')));
        socket.on('end', () => socket.end());
        socket.on('close', () => resolve(received));
        socket.on('error', reject);
      }),
    stop: async () => {
      await http.stop();
      await inbox.close();
      await store.close();
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
