// The three lists (SPEC §6): in sync, excluded on purpose, failing; counted, with their reasons, as files for a spreadsheet.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCustomerRow } from '../../src/store/staging.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
const PEOPLE = { SYNCED: 1_100, SKIPPED: 420, FAILED: 37 };

beforeAll(async () => {
  t = await startTestApp();
  const { store } = t.app;
  const at = new Date('2026-03-20T15:00:00.000Z');
  await store.tx(async (db) => {
    for (const [status, count] of Object.entries(PEOPLE)) {
      const rows = Array.from({ length: count }, (_, n) => ({
        ...newCustomerRow('default', `${status.toLowerCase()}_${String(n).padStart(5, '0')}`, at),
        firstName: n === 0 ? '=HYPERLINK("http://evil")' : 'Ana',
        syncStatus: status as keyof typeof PEOPLE,
        syncError:
          status === 'SYNCED'
            ? null
            : { class: 'x', code: status === 'SKIPPED' ? 'no_contact_info' : 'validation', message: '422 no' },
      }));
      await store.bulk.write(db, store.s.stickyCardsCustomers, rows, {
        conflict: ['connectionId', 'stickycardsId'],
        update: 'none',
      });
    }
  });
});
afterAll(() => t.stop());

const csv = (query: string) =>
  fetch(`${t.url}/api/customers?format=csv${query}`, { headers: { authorization: 'Bearer admin-7f3b9d2e5c' } });

test.each(Object.entries(PEOPLE))('%s: the whole list with its reasons, %d lines', async (status, count) => {
  const answer = await csv(`&syncStatus=${status}`);
  expect(answer.headers.get('content-disposition')).toContain('attachment');
  const text = await answer.text();
  const [head, ...lines] = text.trimEnd().split('\r\n');
  expect(head).toContain('customerId,connection,syncStatus,reason,reasonText');
  expect(lines).toHaveLength(count);
  expect(lines.every((line) => line.includes(`,default,${status},`))).toBe(true);
  expect(lines[0]).toContain(`"'=HYPERLINK(""http://evil"")"`);
  const reason = { SYNCED: ',,', SKIPPED: ',no_contact_info,', FAILED: ',validation,' }[status] as string;
  expect(lines[5]).toContain(`,${status}${reason}`);
  // The overview counts the same.
  const { body } = await t.api('/overview');
  const [line] = body['items'] as Record<string, number>[];
  expect(line?.[{ SYNCED: 'inSync', SKIPPED: 'excluded', FAILED: 'failing' }[status] as string]).toBe(count);
});

test('a reader who goes away in the middle ends the export', async () => {
  const controller = new AbortController();
  const answer = await fetch(`${t.url}/api/customers?format=csv`, {
    headers: { authorization: 'Bearer admin-7f3b9d2e5c' },
    signal: controller.signal,
  });
  await answer.body?.getReader().read();
  controller.abort();
  expect((await csv('&syncStatus=FAILED')).status).toBe(200);
});

test('a filter that is not understood is refused before the file begins', async () => {
  const answer = await csv('&syncStatus=LOST');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    400,
    expect.stringContaining('application/problem+json'),
  ]);
});

test('a whole e-mail finds all who share it: in pages, as CSV, counted and retried', async () => {
  const { store } = t.app;
  const email = 'shop@example.com';
  const rows = Array.from({ length: 250 }, (_, n) => ({
    ...newCustomerRow('default', `shared_${String(n).padStart(3, '0')}`, new Date('2026-03-20T15:00:00.000Z')),
    email,
    syncStatus: 'FAILED' as const,
  }));
  await store.tx((db) =>
    store.bulk.write(db, store.s.stickyCardsCustomers, rows, {
      conflict: ['connectionId', 'stickycardsId'],
      update: 'none',
    }),
  );
  const sizes: number[] = [];
  for (let cursor = ''; ;) {
    const { body } = await t.api(`/customers?q=${email}&limit=100${cursor && `&cursor=${cursor}`}`);
    sizes.push((body['items'] as unknown[]).length);
    if (body['nextCursor'] === null) break;
    cursor = body['nextCursor'] as string;
  }
  expect(sizes).toEqual([100, 100, 50]);
  expect((await (await csv(`&q=${email}`)).text()).trimEnd().split('\r\n')).toHaveLength(251);
  const retry = { filter: { q: email } };
  expect((await t.api('/retry', { ...retry, dryRun: true })).body).toEqual({ count: 250, dryRun: true });
  expect((await t.api('/retry', retry)).body).toEqual({ count: 250 });
});
