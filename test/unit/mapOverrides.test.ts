import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Connection } from '../../src/domain/connection.ts';
import { tagOfSegment } from '../../src/domain/fieldMap.ts';
import { createMapsOf, rowsWith, tagMapWith } from '../../src/domain/mapOverrides.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';

const { rows, tagMap } = loadMaps(join(projectRoot, 'config'));
const row = (key: string, overrides: Parameters<typeof rowsWith>[1]) =>
  rowsWith(rows, overrides).find((one) => one.key === key);

describe('the field map of a connection', () => {
  test('without changes it is that of config/', () => {
    expect(rowsWith(rows, null)).toBe(rows);
    expect(rowsWith(rows, {})).toBe(rows);
  });

  test('a two-way row may be made one-way, the others stay as they are', () => {
    expect(row('loyalty_points', { loyalty_points: { direction: 'to_ghl' } })).toMatchObject({
      direction: 'to_ghl',
      merge: 'counter',
      valueType: 'number',
    });
    expect(row('email', { loyalty_points: { direction: 'to_ghl' } })).toEqual(rows.find((one) => one.key === 'email'));
  });

  test('a row may be left out, and one of its own added', () => {
    const drink = {
      label: 'Favourite Drink',
      staging: 'extra.drink',
      ghl: 'custom',
      type: 'TEXT',
      direction: 'to_ghl',
    };
    const changed = rowsWith(rows, { referral_count: null, favourite_drink: drink });
    expect(changed.map((one) => one.key)).not.toContain('referral_count');
    expect(changed.at(-1)).toMatchObject({ key: 'favourite_drink', owner: 'stickycards', valueType: 'text' });
  });

  test.each([
    [{ email: null }, 'row "email": cannot be left out'],
    [{ emial: null }, 'row "emial": is not in the field map'],
    [{ card_id: { direction: 'both' } }, 'row "card_id": direction can only be to_ghl'],
    [{ bonus_points: { direction: 'to_ghl' } }, 'row "bonus_points": direction can only be from_ghl'],
    [{ loyalty_points: { type: 'TEXT' } }, 'row "loyalty_points": type cannot be changed'],
    [{ loyalty_points: { label: 'Punkte' } }, 'GHL would make the key "punkte"'],
    [{ card_id: { staging: 'nowhere' } }, 'row "card_id" staging'],
    [
      { drink: { ghl: 'custom', type: 'TEXT', direction: 'both', staging: 'extra.drink' } },
      'row "drink": a row of your own goes one way',
    ],
    [{ drink: { ghl: 'custom', type: 'TEXT', direction: 'to_ghl' } }, 'row "drink": write where the value comes from'],
    [
      { drink: { ghl: 'custom', type: 'TEXT', direction: 'to_ghl', staging: 'extra.drink' } },
      'row "drink": add a label',
    ],
  ])('%j is refused by the name of the row', (overrides, message) => {
    expect(() => rowsWith(rows, overrides as Parameters<typeof rowsWith>[1])).toThrow(message);
  });

  test('all mistakes are told at once, a line each', () => {
    expect(() => rowsWith(rows, { email: null, card_id: { direction: 'both' } })).toThrow(
      /^fieldMap row "email".*\nfieldMap row "card_id".*$/,
    );
  });
});

describe('the tag map of a connection', () => {
  test('names that differ are changed, the others stay', () => {
    const changed = tagMapWith(tagMap, { derived: { card_holder: 'Member' }, segments: { exclude: ['internal*'] } });
    expect(changed.derived).toEqual({ ...tagMap.derived, card_holder: 'Member' });
    expect(changed.segments).toEqual({ ...tagMap.segments, exclude: ['internal*'] });
    expect(changed.commands).toEqual(tagMap.commands);
  });

  test.each([
    [{ derived: { card_holder: 'churned' } }, 'the tag "churned" stands for'],
    [{ derived: { gold: 'Gold' } }, 'tagMap derived'],
    [{ colours: {} }, 'colours'],
    [{ segments: { include: ['churned', 'VIP'] } }, 'the tag "churned" stands for churned and for a segment'],
    [{ segments: { prefix: 'card ', include: ['*', 'Holder'] } }, 'take "Holder" out of segments.include'],
  ])('%j is refused', (overrides, message) => {
    expect(() => tagMapWith(tagMap, overrides)).toThrow(message);
  });

  test('a pattern never makes one of our own tags a segment, nor does a name that is left out', () => {
    const changed = tagMapWith(tagMap, { segments: { include: ['*', 'Churned'], exclude: ['churn*'] } });
    expect(['Churned', 'Reactivated', 'VIP'].map((name) => tagOfSegment(changed, name))).toEqual([null, null, 'vip']);
  });
});

describe('the maps of all connections', () => {
  const connection = (id: string, set: Partial<Connection>) =>
    ({ id, fieldMap: null, tagMap: null, ...set }) as Connection;

  test('each has its own', () => {
    const mapsOf = createMapsOf({ rows, tagMap });
    const north = mapsOf(connection('north', { tagMap: { derived: { card_holder: 'Member' } } }));
    const south = mapsOf(connection('south', {}));
    expect(north.tagMap.derived.card_holder).toBe('Member');
    expect(south).toEqual({ rows, tagMap });
  });

  test('one that config/ no longer allows is named', () => {
    const mapsOf = createMapsOf({ rows, tagMap });
    expect(() => mapsOf(connection('north', { fieldMap: { gone: null } }))).toThrow(
      'connection "north": fieldMap row "gone"',
    );
  });
});
