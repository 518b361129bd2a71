// GHL for many locations, in a process of its own; a location's token says how it behaves: `ok`, `slow` (answers after
// 5 s), `down` (closes the connection), `refused` (401). Keeps what was written, and when. Answers `seen` with the
// writes of referral_count since the last time. For neighbours.ts.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadMaps } from '../src/maps.ts';
import { projectRoot } from '../src/paths.ts';
import { contactShown, fieldIdOf } from './linkedPeople.ts';

export interface Seen {
  contactId: string;
  value: number;
  atMs: number;
}
export type Said = { port: number } | { seen: Seen[]; calls: Record<string, number> };

const OK_MS = 50;
const SLOW_MS = 5000;
const REFERRALS = fieldIdOf('referral_count');

const { rows } = loadMaps(join(projectRoot, 'config'));
const customFields = rows
  .filter((row) => row.ghl === 'custom')
  .map((row) => ({
    id: fieldIdOf(row.key),
    name: row.label,
    fieldKey: `contact.${row.key}`,
    dataType: row.type,
    model: 'contact',
  }));
const written = new Map<string, Record<string, unknown>>();
let seen: Seen[] = [];
let calls: Record<string, number> = {};

function answer(method: string, path: string, text: string): unknown {
  const [, first, id = '', third] = path.split('?')[0]?.split('/') ?? [];
  if (first === 'locations' && third === 'customFields') return { customFields };
  if (first === 'locations') return { location: { id, timezone: 'UTC', settings: { allowDuplicateContact: false } } };
  if (first === 'contacts' && id === 'search') return { contacts: [], total: 0 };
  if (third === 'tags') return { tags: [] };
  const values = written.get(id) ?? {};
  if (method === 'PUT') {
    const sent = (JSON.parse(text) as { customFields?: { id: string; field_value: unknown }[] }).customFields ?? [];
    for (const field of sent) values[field.id] = field.field_value;
    written.set(id, values);
    const count = sent.find((field) => field.id === REFERRALS);
    if (count) seen.push({ contactId: id, value: Number(count.field_value), atMs: Date.now() });
  }
  return { contact: contactShown(id, values) };
}

const server = createServer((req, res) => {
  const kind = /pit-(\w+)/.exec(req.headers.authorization ?? '')?.[1] ?? 'ok';
  calls[kind] = (calls[kind] ?? 0) + 1;
  if (kind === 'down') {
    req.socket.destroy();
    return;
  }
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    setTimeout(
      () => {
        res.writeHead(kind === 'refused' ? 401 : 200, { 'content-type': 'application/json' });
        if (kind === 'refused') res.end('{"statusCode":401,"message":"Invalid JWT"}');
        else res.end(JSON.stringify(answer(req.method ?? '', req.url ?? '', Buffer.concat(chunks).toString())));
      },
      kind === 'slow' ? SLOW_MS : OK_MS,
    );
  });
});
server.keepAliveTimeout = 60_000;
const say = (said: Said) => void process.send?.(said);
process.on('message', () => {
  say({ seen, calls });
  seen = [];
  calls = {};
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => say({ port: (server.address() as AddressInfo).port }));
