import type { LinkField, Value } from '../../../drizzle/tables/links.ts';
import { type ConsentShown, decideConsent, dndOn } from '../../domain/consent.ts';
import type { ContactRow } from '../../store/contacts.ts';
import { type PushJob, rebased } from '../pushJob.ts';
import { announced } from '../announced.ts';
import { notWritable, writerOf } from './writer.ts';

const WORD = 'opt_in_status';
const DND = 'dnd';

/** What a contact as it was read says about consent. */
export function shownConsent({ values }: Pick<ContactRow, 'values'>): ConsentShown {
  const channels = typeof values['dnd_channels'] === 'string' ? values['dnd_channels'].split(',') : [];
  return {
    optIn: values[WORD] ?? null,
    dnd: values[DND],
    dndSettings: Object.fromEntries(channels.map((channel) => [channel, { status: 'active' }])),
  };
}

/**
 * What counts as said before. An answer that got lost may have landed: whoever says something else by now says it on top
 * of that; who does not is written again, for setting it twice is setting it.
 */
export function consentBase({ base, pending }: LinkField, now: Value | null): Value | undefined {
  return pending === undefined || pending.value === now ? base : pending.value;
}

/** opt_in_status edited or DND switched in GHL (SPEC §3.2): the customer's preference follows. */
export async function writeConsent(job: PushJob): Promise<void> {
  const writer = writerOf(job);
  const { ctx, pair, contact } = job;
  if (contact?.seenBy !== 'answer') return;
  const at = (key: string): LinkField => job.link.fields[key] ?? { revision: 0 };
  const now = shownConsent(contact);
  const decision = decideConsent({
    base: { optIn: consentBase(at(WORD), now.optIn), dnd: consentBase(at(DND), dndOn(now, ctx.consentWords)) },
    now,
    words: ctx.consentWords,
  });
  const customerId = pair.customer.stickycardsId;
  if (decision.write !== null && !writer) {
    job.open = true;
    return;
  }
  if (decision.problem)
    job.problems.push({
      code: decision.problem,
      recordId: customerId,
      sample: { contactId: job.link.ghlId, field: WORD },
    });
  else if ('opt_in_status' in decision.rebase) job.over.add('opt_in_unknown');
  if (decision.write !== null && writer) {
    if (!writer.dialect.capabilities.preferencesWrite) {
      notWritable(job, WORD);
      return;
    }
    const { write } = decision;
    const sentAtMs = ctx.store.clock.nowMs();
    const fields = { ...job.link.fields };
    for (const [key, value] of Object.entries(decision.rebase))
      fields[key] = { ...at(key), pending: { value, sentAtMs, to: 'stickycards' } };
    const answer = await announced(job, { ...job.link, fields }, (beforeSend) =>
      writer.client.setPreferences({ customerId, optIn: write }, { signal: ctx.signal, beforeSend }),
    );
    job.reverse.traceId = answer.traceId;
    const after = write ? 'opted_in' : 'opted_out';
    job.reverse.changes.push({ field: 'preferences', before: pair.customer.optInStatus, after });
    pair.customer = { ...pair.customer, optInStatus: after };
    job.optIn = after;
  }
  const next = { ...job.link.fields };
  for (const [key, value] of Object.entries(decision.rebase)) next[key] = rebased(at(key), value);
  job.link = { ...job.link, fields: next };
}
