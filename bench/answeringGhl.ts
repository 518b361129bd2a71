// A GHL location that knows everybody and answers everything the same way after a fixed time, in a process of its own:
// `node answeringGhl.ts <delay ms>`. For benches that measure the service and not a simulator; it says where it
// listens, then answers `counts` with what it was asked since the last time, `progress` with the same without forgetting.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadMaps } from '../src/maps.ts';
import { projectRoot } from '../src/paths.ts';
import { contactShown, fieldIdOf } from './linkedPeople.ts';

export interface Counts {
  puts: number;
  others: number;
  /** `climbs[k]`: how many PUTs had come when for the first time k + 1 requests waited for their answers at one moment. */
  climbs: number[];
  /** Field ids that the PUTs carried. */
  fieldIds: string[];
  /** When each 500th PUT came, in ms. */
  marksMs: number[];
}
export type Reply = { port: number } | { counts: Counts };

const LIMITS = {
  // So much is allowed that the pace never holds a request back.
  'x-ratelimit-max': '10000000',
  'x-ratelimit-remaining': '10000000',
  'x-ratelimit-interval-milliseconds': '10000',
  'x-ratelimit-limit-daily': '100000000',
  'x-ratelimit-daily-remaining': '100000000',
};

export const MARK_EVERY = 500;

type Field = { id: string; field_value: unknown };

function serve(delayMs: number): void {
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
  const fresh = (): Counts => ({ puts: 0, others: 0, climbs: [], fieldIds: [], marksMs: [] });
  let counts = fresh();
  let atOnce = 0;
  let traces = 0;

  const answer = (method: string, path: string, text: string): unknown => {
    const [, first, id = '', third] = path.split('?')[0]?.split('/') ?? [];
    if (first === 'locations' && third === 'customFields') return { customFields };
    if (first === 'locations') return { location: { id, timezone: 'UTC', settings: { allowDuplicateContact: false } } };
    if (first === 'contacts' && id === 'search') return { contacts: [], total: 0 };
    const written = method === 'PUT' ? ((JSON.parse(text) as { customFields?: Field[] }).customFields ?? []) : [];
    for (const field of written) if (!counts.fieldIds.includes(field.id)) counts.fieldIds.push(field.id);
    return { contact: contactShown(id, Object.fromEntries(written.map((field) => [field.id, field.field_value]))) };
  };

  const server = createServer((req, res) => {
    atOnce += 1;
    if (req.method === 'PUT') counts.puts += 1;
    else counts.others += 1;
    if (req.method === 'PUT' && counts.puts % MARK_EVERY === 0) counts.marksMs.push(performance.now());
    if (atOnce > counts.climbs.length) counts.climbs.push(Math.max(0, counts.puts - 1));
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      setTimeout(() => {
        atOnce -= 1;
        traces += 1;
        const body = JSON.stringify({
          ...(answer(req.method ?? '', req.url ?? '', Buffer.concat(chunks).toString()) as object),
          traceId: `t${traces}`,
        });
        res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...LIMITS });
        res.end(body);
      }, delayMs);
    });
  });
  server.keepAliveTimeout = 60_000;
  const reply = (message: Reply) => void process.send?.(message);
  process.on('message', (question) => {
    reply({ counts });
    if (question === 'counts') counts = fresh();
  });
  process.on('disconnect', () => process.exit(0));
  server.listen(0, '127.0.0.1', () => reply({ port: (server.address() as AddressInfo).port }));
}

const [, file, delay] = process.argv;
if (file?.includes('answeringGhl') && delay !== undefined) serve(Number(delay));
