import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isKnownUpdate, POLL_OVERLAP_MS, pollFrom } from '../../src/domain/pollRule.ts';
import { projectRoot } from '../../src/paths.ts';
import {
  createGhlVerifier,
  deliveredContact,
  PUBLISHED_ED25519_KEY,
  PUBLISHED_RSA_KEY,
  readGhlHead,
} from '../../src/platforms/ghl/webhooks.ts';

describe('the published keys', () => {
  test('are keys, and refuse what GHL did not sign', () => {
    const verify = createGhlVerifier({ ed25519Key: PUBLISHED_ED25519_KEY, rsaKey: PUBLISHED_RSA_KEY });
    const body = Buffer.from('{}');
    expect(verify({ 'x-ghl-signature': Buffer.alloc(64).toString('base64') }, body)).toBe('wrong');
    expect(verify({ 'x-wh-signature': Buffer.alloc(512).toString('base64') }, body)).toBe('wrong');
    expect(verify({ 'x-ghl-signature': '', 'x-wh-signature': 'N/A' }, body)).toBe('missing');
  });
});

const schemas = globSync(join(projectRoot, 'test/fixtures/ghl-openapi/webhooks/Contact*.schema.json'));

describe('the body of an app webhook', () => {
  test.each(schemas.map((file) => [/(\w+)\.schema/.exec(file)?.[1] ?? '', file]))(
    '%s: the fields of the published schema are those that are read',
    (type, file) => {
      const { properties } = JSON.parse(readFileSync(file, 'utf8')) as { properties: Record<string, unknown> };
      for (const name of ['id', 'locationId', 'email', 'phone', 'firstName', 'lastName', 'tags', 'customFields', 'dnd'])
        expect(Object.keys(properties)).toContain(name);
      const body = { type, id: 'con_1', locationId: 'LOC1', tags: ['vip'], customFields: [{ id: 'cf', value: 3 }] };
      expect(readGhlHead(body)).toMatchObject({ type, contactId: 'con_1', locationId: 'LOC1' });
      expect(deliveredContact(body)).toMatchObject({ id: 'con_1', tags: ['vip'], customFields: { cf: 3 } });
    },
  );

  test('the contact of a note or an opportunity is not its own id', () => {
    expect(readGhlHead({ type: 'NoteCreate', id: 'note_1', contactId: 'con_1' })?.contactId).toBe('con_1');
    expect(readGhlHead({ type: 'OpportunityUpdate', id: 'opp_1' })?.contactId).toBeNull();
  });

  test('nothing that is sent makes reading throw', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(() => [readGhlHead(json), deliveredContact(json)]).not.toThrow();
      }),
    ));
});

describe('polling', () => {
  const SEEN = Date.UTC(2026, 2, 1, 10);

  test('an update that an answer showed, or that is a write of ours, is known', () => {
    const known = { dateUpdatedMs: SEEN, writtenAtMs: SEEN + 60_000 };
    expect(isKnownUpdate(SEEN, known)).toBe(true);
    expect(isKnownUpdate(SEEN + 62_000, known)).toBe(true);
    expect(isKnownUpdate(SEEN + 62_001, known)).toBe(false);
    expect(isKnownUpdate(SEEN + 1, { ...known, writtenAtMs: null })).toBe(false);
    expect(isKnownUpdate(SEEN, { dateUpdatedMs: null, writtenAtMs: null })).toBe(false);
  });

  test('begins at the activation and overlaps the poll before it', () => {
    expect(pollFrom(null, SEEN)).toBe(SEEN);
    const later = { untilMs: SEEN + 3_600_000, told: [] };
    expect(pollFrom(later, SEEN)).toBe(later.untilMs - POLL_OVERLAP_MS);
    expect(pollFrom({ untilMs: SEEN + 1000, told: [] }, SEEN)).toBe(SEEN);
  });
});
