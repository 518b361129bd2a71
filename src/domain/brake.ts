import type { LinkField } from '../../drizzle/tables/links.ts';
import { decideBonus } from './bonus.ts';
import type { FieldRow } from './fieldMap.ts';
import type { FieldsPlan, Values } from './plan.ts';
import { decidePointsEdit } from './points.ts';

/** What one run would change, as far as the brake counts it (SPEC §6). */
export interface MassCounts {
  /** Live links of the connection. */
  linked: number;
  /** Linked people whose name, phone or e-mail would change on either side. */
  contactChanges: number;
  /** Tags that would be taken off, and segments because their tags were. */
  tagsOff: number;
  /** Points that would be booked or taken because somebody typed them in GHL; the amounts, whatever their sign. */
  pointsMoved: number;
}

export type MassLimit = 'contactChanges' | 'tagsOff' | 'pointsMoved';

/** More than these stops a run: a mistake in one place must not become a mistake in everybody's record. */
export const BRAKE_LIMITS = {
  /** Of the linked records; fewer than `contactsMin` people never stop a run. */
  contactShare: 0.2,
  contactsMin: 50,
  tagsOff: 100,
  pointsMoved: 5000,
} as const;

/** What came between the count and the confirmation goes with it, up to this much more. */
const CONFIRMED_SLACK = 1.1;

export const noChanges = (): Omit<MassCounts, 'linked'> => ({ contactChanges: 0, tagsOff: 0, pointsMoved: 0 });

/**
 * Which limits a run would break (SPEC §6, Brake); none = it goes.
 * @param confirmed what a person let go: the same again, and a little more, passes
 */
export function brokenLimits(counts: MassCounts, confirmed: Omit<MassCounts, 'linked'> | null): MassLimit[] {
  const { contactShare, contactsMin, tagsOff, pointsMoved } = BRAKE_LIMITS;
  const over: Record<MassLimit, boolean> = {
    contactChanges:
      counts.contactChanges >= contactsMin && counts.contactChanges > Math.floor(contactShare * counts.linked),
    tagsOff: counts.tagsOff > tagsOff,
    pointsMoved: counts.pointsMoved > pointsMoved,
  };
  return (Object.keys(over) as MassLimit[]).filter(
    (limit) => over[limit] && (confirmed === null || counts[limit] > confirmed[limit] * CONFIRMED_SLACK),
  );
}

export interface PairChanges {
  rows: readonly FieldRow[];
  plan: FieldsPlan;
  /** Base and pending by key, and what GHL shows; null = not known. */
  fields: Record<string, LinkField>;
  ghl: Values | null;
  /** Tags that the forward half would take off, segments that the reverse half would. */
  tagsOff: number;
  /** Most points that a single change moves without a person. */
  pointsLimit?: number;
  /** What the run may write: to GHL, details and points to Sticky Cards. */
  may: { toGhl: boolean; details: boolean; points: boolean };
}

/** What one linked person adds to the counts. */
export function changesOfPair(input: PairChanges): Omit<MassCounts, 'linked'> {
  const { rows, plan, may } = input;
  const isDetail = (key: string) => rows.some((row) => row.key === key && row.ghl !== 'custom');
  const forward = may.toGhl && plan.toGhl.some((write) => write.before !== write.after && isDetail(write.key));
  const reverse = may.details && plan.edits.some((edit) => isDetail(edit.key));
  return {
    contactChanges: forward || reverse ? 1 : 0,
    tagsOff: input.tagsOff,
    pointsMoved: may.points ? pointsTyped(input) : 0,
  };
}

/** Beyond the limit of a single edit nothing moves without a person anyway. */
function pointsTyped({ rows, plan, fields, ghl, pointsLimit }: PairChanges): number {
  let points = 0;
  for (const row of rows) {
    if (row.merge === 'counter') {
      const edit = plan.edits.find(({ key }) => key === row.key);
      const decision = typeof edit?.from === 'number' ? decidePointsEdit(edit.from, edit.to, pointsLimit) : null;
      if (decision?.kind === 'ok') points += Math.abs(decision.points);
    } else if (row.merge === 'command' && ghl) {
      const { base, pending, held } = fields[row.key] ?? {};
      const decision = decideBonus({
        base,
        current: ghl[row.key] ?? null,
        command: 'none',
        clearLost: pending !== undefined,
        seenEmptySinceClear: false,
        overlapped: held?.reason === 'bonus_overlap',
        hasCard: true,
        ...(pointsLimit === undefined ? {} : { limit: pointsLimit }),
      });
      if (decision.kind === 'pay' && !decision.held) points += decision.points;
    }
  }
  return points;
}

/** Where a connection's brake stands, as its row keeps it. */
export type BrakeState =
  /** A run was stopped; the clock counts again at `lookAgainAtMs`, a run that a person asks for at once. */
  | { state: 'stopped'; counts: MassCounts; atMs: number; lookAgainAtMs: number }
  /** A person let that go: the next run that is finished uses it up. */
  | { state: 'confirmed'; counts: MassCounts; atMs: number; by: string };
