// The quick look of the brake never misses what the exact plan would count (SPEC §6, Brake).
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalTag } from '../../src/domain/canonical.ts';
import { newCard, type StagedCard } from '../../src/domain/stagedRecord.ts';
import { planTags } from '../../src/domain/plan.ts';
import { primaryCard, shownStatus } from '../../src/domain/shownCard.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';
import type { LinkRow } from '../../src/store/links.ts';
import type { Pair } from '../../src/store/pairs.ts';
import { newCustomerRow } from '../../src/store/staging.ts';
import { createSuspicion } from '../../src/sync/brakeSuspects.ts';
import type { JobContext } from '../../src/sync/jobContext.ts';
import { planOf, wantedTags } from '../../src/sync/pairValues.ts';

const { rows, tagMap } = loadMaps(join(projectRoot, 'config'));
const NOW = Date.UTC(2026, 10, 21);
const at = new Date(NOW - 86_400_000);

const context = (templateId: string | null) =>
  ({
    rows,
    tagMap,
    store: { clock: { nowMs: () => NOW } },
    connection: { defaultCountry: 'US', stickyCards: { templateId } },
    facts: { timeZone: 'UTC', allowDuplicateContact: false, fieldIds: {}, readAtMs: 0 },
    locale: { defaultCountry: 'US', timeZone: 'UTC' },
  }) as unknown as JobContext;

const card = fc
  .record({
    wallet: fc.constantFrom('issued', 'installed', 'removed', null),
    expired: fc.boolean(),
    templateId: fc.constantFrom('gold', 'other', null),
    adminStatus: fc.constantFrom('active', 'inactive', null),
    installedAtMs: fc.option(fc.integer({ min: 1, max: 9 })),
  })
  .map(({ wallet, expired, ...rest }) => (n: number): StagedCard => {
    const empty = newCard(`card_${n}`, 'cus_1');
    return {
      ...empty,
      ...rest,
      installStatus: expired ? 'expired' : wallet,
      installed: wallet === 'installed' || wallet === 'removed' ? wallet : null,
      fold: { ...empty.fold, wallet, expired },
    };
  });

const SEGMENTS = ['VIP', 'Brunch', 'Late Night'];
const TAGS = [...SEGMENTS, ...Object.values(tagMap.derived)].map(canonicalTag);
const name = fc.constantFrom('Ana', 'Ann', null);
const phone = fc.constantFrom('+12125550142', '+12125550143', null);
const base = fc.option(fc.constantFrom('Ana', '+12125550142', 'ana@example.com'), { nil: undefined });

test('whoever would be written or lose a tag is suspected, with at least as many tags', () => {
  fc.assert(
    fc.property(
      fc.record({
        cards: fc.array(card, { maxLength: 3 }),
        templateId: fc.constantFrom('gold', null),
        segments: fc.subarray(SEGMENTS),
        referralCount: fc.constantFrom(null, 0, 2),
        inactive: fc.boolean(),
        firstName: name,
        mobile: phone,
        bases: fc.record({ first_name: base, phone: base, last_name: base, email: base }),
        owned: fc.subarray(TAGS),
        pending: fc.option(fc.record({ add: fc.subarray(TAGS), remove: fc.subarray(TAGS) })),
        shown: fc.option(fc.subarray(TAGS)),
      }),
      (drawn) => {
        const ctx = context(drawn.templateId);
        const cards = drawn.cards.map((make, n) => make(n));
        const primary = primaryCard(cards, drawn.templateId);
        const customer = {
          ...newCustomerRow('default', 'cus_1', at),
          firstName: drawn.firstName,
          mobile: drawn.mobile,
          segments: drawn.segments,
          referralCount: drawn.referralCount,
          lastActivity: drawn.inactive ? new Date(NOW - 60 * 86_400_000) : at,
          cardId: primary?.cardId ?? null,
          cardInstalled: primary?.installed ?? null,
          cardStatus: primary && shownStatus(primary),
        };
        const fields = Object.fromEntries(
          Object.entries(drawn.bases).map(([key, value]) => [
            key,
            { revision: 1, ...(value === undefined ? {} : { base: value }) },
          ]),
        );
        const tags = {
          base: drawn.owned,
          off: {},
          ...(drawn.pending === null ? {} : { pending: { ...drawn.pending, sentAtMs: 1 } }),
        };
        const link = { fields, tags, cardId: customer.cardId, metadata: {}, createdAt: at } as unknown as LinkRow;
        const pair: Pair = {
          customer,
          cards,
          link,
          contact: null,
          balanceBusy: false,
          inactive: drawn.inactive,
        };
        const suspected = createSuspicion(ctx)({ ...customer, link });
        const ghlTags = drawn.shown && new Set(drawn.shown);
        const exact = planTags(wantedTags(tagMap, pair), tags, ghlTags, NOW);
        expect(suspected.tags).toBeGreaterThanOrEqual(exact.remove.length);
        const isDetail = (key: string) => rows.some((row) => row.key === key && row.ghl !== 'custom');
        const writes = planOf(ctx, pair, link, null).toGhl.some((write) => isDetail(write.key));
        expect(writes && !suspected.contact).toBe(false);
      },
    ),
    { numRuns: 3000 },
  );
});
