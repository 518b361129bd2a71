import { describe, expect, test } from '@jest/globals';
import { localPath } from '../../src/dashboard/auth/localPath.ts';
import { contactUrl } from '../../src/dashboard/contactUrl.ts';
import { html, render } from '../../src/dashboard/html.ts';
import { href } from '../../src/dashboard/parts/basics.ts';
import { durationText, fullText, localText, spanText } from '../../src/dashboard/parts/zone.ts';
import type { Connection } from '../../src/domain/connection.ts';

describe('times', () => {
  const at = new Date('2026-03-20T15:04:05Z');
  const NY = 'America/New_York';

  test('stand in the zone of the connection, with its name, and shorter the nearer they are', () => {
    expect(localText(at, NY, at.getTime() + 3_600_000)).toBe('11:04:05 EDT');
    expect(localText(at, NY, at.getTime() + 86_400_000)).toBe('20 Mar, 11:04:05 EDT');
    expect(localText(at, NY, Date.UTC(2027, 2, 20, 15))).toBe('20 Mar 2026, 11:04:05 EDT');
    expect(localText(at, 'UTC', at.getTime())).toBe('15:04:05 UTC');
    // The day is the zone's, not ours.
    expect(localText(new Date('2026-03-21T02:00:00Z'), NY, Date.UTC(2026, 2, 21, 12))).toBe('20 Mar, 22:00:00 EDT');
  });

  test('say UTC too, and an unknown zone counts as UTC', () => {
    expect(fullText(at, NY)).toBe('2026-03-20 15:04:05 UTC · 20 Mar 2026, 11:04:05 EDT (America/New_York)');
    expect(fullText(at, 'UTC')).toBe('2026-03-20 15:04:05 UTC');
    expect(localText(at, 'Nowhere/Land', at.getTime())).toBe('15:04:05 UTC');
  });

  test('spans and durations', () => {
    expect([0, 59_000, 61_000, 7_200_000, 86_400_000, 200_000_000].map(spanText)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '2 hours',
      '1 day',
      '2 days',
    ]);
    expect([null, 84.4, 2400, 200_000].map(durationText)).toEqual(['', '84 ms', '2.4 s', '3 min 20 s']);
  });
});

test('only a path of this service is gone on to', () => {
  expect(localPath('/problems?state=open#x')).toBe('/problems?state=open');
  for (const text of [undefined, '', 'problems', '//a.b/', '/\\a.b', 'http://a.b/', '/login', '/logout', '/\t/a.b'])
    expect(localPath(text)).toBe('/');
  // With its dots resolved each begins with two slashes: a browser would take the rest for a host.
  for (const text of ['/.//a.b', '/%2e//a.b', '/x/..//a.b', '/.\\\\a.b', '/x/%2E%2e/\\a.b', '/.//a.b/login'])
    expect(localPath(text)).toBe('/');
  expect(localPath('/customers/./x?next=//a.b')).toBe('/customers/x?next=//a.b');
});

test('text in a page is text, and a line break between words is a space', () => {
  const name = '<b>"&\'';
  const page = render(
    html`<p title=${name}>
      Look into the
      <a href=${href('/customers', { q: 'a&b', none: undefined, empty: '' })}>${name}</a>
      now
    </p>`,
  );
  expect(page).toBe(
    '<!doctype html>\n<p title="&lt;b>&quot;&amp;\'"> Look into the <a href="/customers?q=a%26b">&lt;b>&quot;&amp;\'</a> now </p>',
  );
});

test('a contact is looked at in its location', () => {
  const ghl = { apiBaseUrl: 'https://services.leadconnectorhq.com', locationId: 'loc 1' };
  expect(contactUrl({ ghl } as Connection, 'con/1')).toBe(
    'https://app.gohighlevel.com/v2/location/loc%201/contacts/detail/con%2F1',
  );
  expect(contactUrl({ ghl: { ...ghl, locationId: null } } as Connection, 'c')).toBeNull();
  expect(contactUrl(undefined, 'c')).toBeNull();
});
