import type { LinkField } from '../../drizzle/tables/links.ts';
import type { FieldChange } from '../../drizzle/tables/runs.ts';
import { compareAnswer } from '../domain/observe.ts';
import type { FieldsPlan, FieldWrite } from '../domain/plan.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { Answered, GhlContactSeen } from '../platforms/ghl/client.ts';
import type { NewCommand } from '../store/commands.ts';
import type { ContactRow } from '../store/contacts.ts';
import type { NewInboxRow } from '../store/inbox.ts';
import type { LinkRow } from '../store/links.ts';
import type { CustomerMark, Pair } from '../store/pairs.ts';
import type { RaisedProblem } from '../store/problems.ts';
import type { Settlement } from '../store/settle.ts';
import { contactRow, type JobContext, observation } from './jobContext.ts';
import type { Sighting } from './sightings.ts';
import { writtenAt } from './writtenAt.ts';

/** One pair while its job runs: what is stored last is what the database holds. */
export interface PushJob {
  ctx: JobContext;
  pair: Pair;
  link: LinkRow;
  contact: ContactRow | null;
  /** The contact was read or answered for in this job. */
  fresh: boolean;
  created: boolean;
  /** The location's fields were looked up again in this job. */
  refreshed: boolean;
  changes: FieldChange[];
  problems: RaisedProblem[];
  /** Codes of problems of this record that are over by what was decided. */
  over: Set<string>;
  commands: NewCommand[];
  /** What answers of either side showed. */
  observations: NewInboxRow[];
  /** What went to Sticky Cards. */
  reverse: { changes: FieldChange[]; notes: string[]; traceId: string | null; error: unknown };
  /** What the deliveries showed that marked the contact. */
  sightings: readonly Sighting[];
  /** They were looked through for edits that our own writes went over. */
  judged: boolean;
  /** When the contact had been read before this job (ms, GHL's clock); what came later is news. */
  knownUntilMs: number | null;
  /** Canonical tags that it showed then. */
  knownTags: readonly string[];
  /** `dateUpdated` of the contact as it was read then (ms, GHL's clock). */
  knownUpdatedMs: number | null;
  /** When this job read it. */
  readAtMs: number | null;
  /** The contact that the reverse half was decided from. */
  decidedFrom: ContactRow | null;
  /** The card's balance was asked for because nothing had told it. */
  balanceAsked: boolean;
  /** What is being done just now may not be tried: the key was refused it. */
  closed: boolean;
  /** Something that GHL changed is still to be told to Sticky Cards. */
  open: boolean;
  /** Something of Sticky Cards is still to be told to GHL: this run does not write there. */
  forwardOpen: boolean;
  /** The answer to a write of this job was not looked at yet for one-way fields that somebody edited. */
  writing: boolean;
  /** Command fields to be emptied. */
  toEmpty: Set<string>;
  /** A command that is moved on with the next settlement. */
  moved: Settlement['moved'] | undefined;
  /** Keys whose edit in GHL nothing can be done with: they get their old value again. */
  putBack: Set<string>;
  /** Command tags to be taken off (SPEC §3.2). */
  tagsToRemove: string[];
  /** The preference that Sticky Cards took, until it is stored. */
  optIn: string | null;
  traceId: string | null;
  startedAtMs: number;
}

/** What a job is before it is known whose run it belongs to. */
export type LinkedJob = Omit<PushJob, 'ctx' | 'pair' | 'startedAtMs'>;

export const linkedJob = (link: LinkRow, contact: LinkedJob['contact'], extra: Partial<LinkedJob> = {}): LinkedJob => ({
  link,
  contact,
  fresh: false,
  created: false,
  refreshed: false,
  changes: [],
  problems: [],
  over: new Set(),
  commands: [],
  observations: [],
  reverse: { changes: [], notes: [], traceId: null, error: null },
  sightings: [],
  judged: false,
  knownUntilMs: null,
  knownTags: [],
  knownUpdatedMs: null,
  readAtMs: null,
  decidedFrom: null,
  balanceAsked: false,
  closed: false,
  writing: false,
  open: false,
  forwardOpen: false,
  toEmpty: new Set(),
  moved: undefined,
  putBack: new Set(),
  tagsToRemove: [],
  optIn: null,
  traceId: null,
  ...extra,
});

/** The field with a new base: nothing is on its way or held any more; its revision counts changes of the base. */
export const rebased = (field: LinkField, base: LinkField['base']): LinkField => {
  const { pending: _, held: __, ...rest } = field;
  return { ...rest, base: base ?? null, revision: rest.base === base ? rest.revision : rest.revision + 1 };
};

/** Everything that was decided or seen on the way and not stored yet; empties the job's lists. */
export function takeSideEffects(
  job: PushJob,
): Required<Pick<Settlement, 'commands' | 'problems' | 'observations' | 'cleared'>> & Pick<Settlement, 'contact'> {
  const { commands, problems, observations, over } = job;
  job.commands = [];
  job.problems = [];
  job.observations = [];
  job.over = new Set();
  // What is believed of a contact never gets ahead of what it was seen in.
  return {
    commands,
    problems,
    observations,
    cleared: over.size > 0 ? [{ recordId: job.pair.customer.stickycardsId, codes: [...over] }] : [],
    ...(observations.length > 0 && job.contact ? { contact: job.contact } : {}),
  };
}

/** pending → base for exactly the values that the answer confirms; what GHL dropped or altered is held (SPEC §2.5). */
export function settleAnswer(
  job: PushJob,
  link: LinkRow,
  writes: FieldWrite[],
  seen: GhlContactSeen,
  answer: Pick<Answered, 'traceId' | 'dateMs'>,
): void {
  const { ctx, pair } = job;
  const contact = contactRow(ctx, seen, job.contact, answer.dateMs);
  const fields = { ...link.fields };
  for (const { key, before, after } of writes) {
    const { pending: _, ...field } = fields[key] ?? { revision: 0 };
    const shown = contact.values[key] ?? null;
    const verdict = compareAnswer(after, shown);
    job.changes.push({ field: key, before, after: shown });
    if (verdict === 'confirmed') {
      fields[key] = rebased(field, after);
      continue;
    }
    const reason = verdict === 'dropped' ? 'dropped_by_ghl' : 'altered_by_ghl';
    fields[key] = { ...rebased(field, shown), held: { reason, value: after, atMs: ctx.store.clock.nowMs() } };
    job.problems.push({
      code: 'value_not_taken',
      cause: key,
      recordId: pair.customer.stickycardsId,
      sample: { contactId: seen.id, field: key, reason },
    });
  }
  job.contact = contact;
  job.observations.push(observation(ctx, 'self', pair.customer.stickycardsId, seen, answer));
  job.traceId = answer.traceId;
  job.fresh = true;
  // Fields of the old card are still shown while an edit of it is open: what is written then is no card's.
  const ofCard = writes.some(({ key }) => ctx.rows.find((row) => row.key === key)?.ofCard);
  const cardId = ofCard ? pair.customer.cardId : link.cardId;
  job.link = writtenAt({ ...link, fields, cardId }, answer.dateMs);
}

export const isUnknownField = (error: unknown): boolean => error instanceof ApiError && error.code === 'unknown_field';

/** Holds the one field that GHL refused, with a problem that names it. */
export function holdRefused(job: PushJob, key: string, plan: Pick<FieldsPlan, 'toGhl'>, error: ApiError): void {
  const value = plan.toGhl.find((write) => write.key === key)?.after ?? null;
  const reason = error.class === 'conflict' ? 'identity_conflict' : 'refused_by_ghl';
  const { pending: _, ...field } = job.link.fields[key] ?? { revision: 0 };
  job.link = {
    ...job.link,
    fields: { ...job.link.fields, [key]: { ...field, held: { reason, value, atMs: job.ctx.store.clock.nowMs() } } },
  };
  job.problems.push({
    code: error.class === 'conflict' ? 'identity_conflict' : 'field_refused',
    cause: key,
    recordId: job.pair.customer.stickycardsId,
    sample: {
      contactId: job.link.ghlId,
      field: key,
      otherContactId: error.meta?.contactId ?? null,
      message: error.message,
      traceId: error.traceId ?? null,
    },
  });
}

/** Problems of a field, which are over when it is not held any more. */
const FIELD_PROBLEMS = [
  'value_not_taken',
  'field_refused',
  'identity_conflict',
  'points_ambiguous',
  'bonus_overlap',
  'no_card',
  'phone_not_possible',
  'customer_conflict',
  'field_refused_by_sticky_cards',
] as const;

/**
 * What a record that arrived is taken out of; nothing is asked for one that never had a problem. A first link always
 * asks: a retry leaves no trace of why there was none before.
 */
export function clearedOf({ pair, link }: PushJob): Pick<Settlement, 'cleared' | 'limitOf'> {
  const heldNow = Object.values(link.fields).some((field) => field.held);
  const heldBefore = Object.values(pair.link?.fields ?? {}).some((field) => field.held);
  const recordId = pair.customer.stickycardsId;
  const limit = isLimited(pair.link) && !isLimited(link) ? { limitOf: recordId } : {};
  const firstLink = pair.link?.state !== 'live';
  if (!firstLink && pair.customer.syncError === null && (heldNow || !heldBefore)) return limit;
  const codes = ['record_failed', 'already_linked', 'ambiguous', 'deleted_in_ghl', ...(heldNow ? [] : FIELD_PROBLEMS)];
  return { ...limit, cleared: [{ recordId, codes }] };
}

/** A number typed in GHL waits, which could never be booked. */
const isLimited = (link: LinkRow | null): boolean =>
  Object.values(link?.fields ?? {}).some((field) => field.held?.reason === 'points_limit');

/** Everything of the claimed version arrived. */
export const syncedMark = (pair: Pair): CustomerMark => ({
  customerId: pair.customer.stickycardsId,
  claimedVersion: pair.customer.version,
  syncStatus: 'SYNCED',
  syncError: null,
  attempts: 0,
  nextAttemptAt: null,
});

export function noteSuccess(ctx: JobContext): void {
  ctx.health.succeeded += 1;
  ctx.health.failedInARow = 0;
}
