// The three servers of bench/receive.ts, each in a process of its own: `node receiveServers.ts express|http|ours`.
// They say where they listen, then answer `usage` with the processor time used so far and `rows` with what is stored.
import { timingSafeEqual, createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { isNull, sql } from 'drizzle-orm';
import express from 'express';
import { createCore } from '../src/core.ts';
import { loadConfig } from '../src/config.ts';
import { createHttpServer } from '../src/http/server.ts';
import { silentLogger } from '../src/log.ts';

export const SECRET = 'bench-3f9a1c77d2';
export const PATH = '/webhooks/sticky-cards';

export interface Rows {
  stored: number;
  unfolded: number;
}
export type Reply = { port: number } | { usage: NodeJS.CpuUsage } | { rows: Rows };

const signed = (body: Buffer, header: string | undefined): boolean => {
  const given = Buffer.from(header ?? '', 'hex');
  const expected = createHmac('sha256', SECRET).update(body).digest();
  return given.length === expected.length && timingSafeEqual(given, expected);
};

const ANSWER = '{"receiptId":"evt_00000000000000000000000000","duplicate":false}';

function bareExpress(): Server {
  const app = express();
  app.post(PATH, express.raw({ type: '*/*', limit: '1mb' }), (req, res) => {
    if (!signed(req.body as Buffer, req.get('x-sticky-signature'))) res.status(401).end();
    else res.status(202).type('json').send(ANSWER);
  });
  return createServer(app);
}

function bareHttp(): Server {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': ANSWER.length };
  return createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      if (!signed(body, req.headers['x-sticky-signature'] as string | undefined)) {
        res.writeHead(401);
        res.end();
        return;
      }
      res.writeHead(202, headers);
      res.end(ANSWER);
    });
  });
}

/** The service as it starts, minus what a delivery never meets: simulators, dashboard, API. */
async function ours(folder: string): Promise<{ server: Server; rows: () => Promise<Rows> }> {
  const config = loadConfig(
    { STICKY_CARDS_WEBHOOK_SECRET: SECRET, DATABASE_URL: `file:${join(folder, 'sync.db')}`, SYNC_PAUSED: 'on' },
    folder,
  );
  const core = await createCore(config, { log: silentLogger });
  await core.begin();
  const { server } = createHttpServer({
    store: core.store,
    inbox: core.inbox,
    connections: core.registry,
    defaultConnectionId: 'default',
    log: silentLogger,
    adminToken: config.adminToken,
    trustProxy: config.trustProxy,
    onCommitted: (id) => core.folder.nudge(id),
  });
  const { webhookEvents: t } = core.store.s;
  const count = sql`count(*)`.mapWith(Number);
  return {
    server,
    rows: async () => {
      const [stored] = await core.store.db.select({ count }).from(t);
      const [unfolded] = await core.store.db.select({ count }).from(t).where(isNull(t.foldedAt));
      return { stored: stored?.count ?? 0, unfolded: unfolded?.count ?? 0 };
    },
  };
}

async function serve(kind: string, folder: string): Promise<void> {
  const reply = (message: Reply) => void process.send?.(message);
  const mine = kind === 'ours' ? await ours(folder) : null;
  const server = mine?.server ?? (kind === 'http' ? bareHttp() : bareExpress());
  process.on('message', (question) => {
    if (question === 'usage') reply({ usage: process.cpuUsage() });
    else if (question === 'rows' && mine) void mine.rows().then((rows) => reply({ rows }));
  });
  process.on('disconnect', () => process.exit(0));
  server.listen(0, '127.0.0.1', () => reply({ port: (server.address() as AddressInfo).port }));
}

const [, file, kind, folder] = process.argv;
if (file?.includes('receiveServers') && kind) await serve(kind, folder ?? '');
