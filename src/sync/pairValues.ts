import { canonical } from '../domain/canonical.ts';
import { canonicalTag } from '../domain/canonical.ts';
import { type TagMap, tagOfSegment } from '../domain/fieldMap.ts';
import type { FieldsPlan, PlanFieldsInput, Values } from '../domain/plan.ts';
import { planFields, waitsForOldCard } from '../domain/plan.ts';
import { isKnownTag } from '../domain/inactivity.ts';
import { derivedStates } from '../domain/shownCard.ts';
import { toE164 } from '../domain/phone.ts';
import { segmentStatedAtMs } from '../domain/segmentPlan.ts';
import type { ContactRow } from '../store/contacts.ts';
import type { LinkRow } from '../store/links.ts';
import type { Pair } from '../store/pairs.ts';
import type { JobContext } from './jobContext.ts';

/** Where a link keeps what bonus_points_result is to say. */
export const BONUS_RESULT = 'bonusResult';

export type PlanContext = Pick<JobContext, 'rows' | 'facts' | 'locale' | 'connection' | 'tagMap'>;

/** The Sticky side of a pair in canonical form. A phone that is not possible is never sent, so it says nothing here. */
export function stickyValues(
  { rows, locale, connection }: PlanContext,
  { customer }: Pair,
  link?: Pick<LinkRow, 'metadata'>,
): Values {
  // What became of the last bonus is ours to say: no side has it.
  const values: Values = { bonus_points_result: canonical('text', link?.metadata[BONUS_RESULT], locale) };
  for (const row of rows) {
    if (row.staging === undefined) continue;
    const raw = row.staging.startsWith('extra.')
      ? customer.extra[row.staging.slice('extra.'.length)]
      : customer[row.staging as keyof typeof customer];
    const value = canonical(row.valueType, raw, locale);
    values[row.key] =
      row.valueType === 'phone' && typeof value === 'string' ? toE164(value, connection.defaultCountry) : value;
  }
  return values;
}

type Planned = [
  ctx: PlanContext,
  pair: Pair,
  link: Pick<LinkRow, 'fields' | 'cardId'> & Partial<Pick<LinkRow, 'metadata'>>,
  contact: Pick<ContactRow, 'seenBy' | 'values'> | 'new' | null,
  wishes?: Pick<PlanFieldsInput, 'putBack' | 'toEmpty' | 'writing'>,
];

/** What has to be written to the contact's fields, by what is known now; `new` = it is still to be made, empty. */
export const planOf = (...known: Planned): FieldsPlan => planFields(inputOf(...known));

/** The card that the contact shows when everything that is planned is written: the old one while an edit of it is open. */
export function cardShownBy(...known: Planned): string | null {
  const [, pair, link] = known;
  return waitsForOldCard(inputOf(...known)) ? link.cardId : pair.customer.cardId;
}

function inputOf(...[ctx, pair, link, contact, wishes]: Planned): PlanFieldsInput {
  const unwritable = new Set(
    ctx.rows.filter((row) => row.ghl === 'custom' && ctx.facts.fieldIds[row.key] === undefined).map((row) => row.key),
  );
  return {
    rows: ctx.rows,
    sticky: stickyValues(ctx, pair, { metadata: link.metadata ?? {} }),
    ...wishes,
    ghl:
      contact === 'new'
        ? { seen: 'full', values: {} }
        : contact && { seen: contact.seenBy === 'answer' ? 'full' : 'page', values: contact.values },
    fields: link.fields,
    cardSwitched: link.cardId !== null && pair.customer.cardId !== null && link.cardId !== pair.customer.cardId,
    balanceBusy: pair.balanceBusy,
    unwritable,
  };
}

/**
 * The owned tags that a person should have, with the time of the newest statement that can bring a removed one back.
 * That of inactive people is put on by the night's sweep; here it is only kept for as long as they are inactive.
 */
export function wantedTags(tagMap: TagMap, { customer, cards, link, inactive }: Pair): Map<string, number> {
  const wanted = new Map<string, number>();
  const inactiveTag = canonicalTag(tagMap.derived.inactive);
  if (inactive && link && isKnownTag(link.tags, inactiveTag)) wanted.set(inactiveTag, 0);
  for (const state of derivedStates(cards, customer.referralCount)) wanted.set(canonicalTag(tagMap.derived[state]), 0);
  for (const name of customer.segments) {
    const tag = tagOfSegment(tagMap, name);
    if (tag === null) continue;
    const statedAtMs = segmentStatedAtMs(customer.foldState, name);
    wanted.set(tag, Math.max(wanted.get(tag) ?? 0, statedAtMs));
  }
  return wanted;
}
