import { type ConsentShown, decideConsent } from '../../domain/consent.ts';
import type { ContactRow } from '../../store/contacts.ts';
import { type PushJob, rebased } from '../pushJob.ts';
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
 * opt_in_status edited or DND switched in GHL (SPEC §3.2): the customer's preference follows. Setting it twice is setting
 * it, so a lost answer is planned afresh; the bases move only when Sticky Cards took it.
 */
export async function writeConsent(job: PushJob): Promise<void> {
  const writer = writerOf(job);
  const { ctx, pair, contact } = job;
  if (contact?.seenBy !== 'answer') return;
  const { fields } = job.link;
  const decision = decideConsent({
    base: { optIn: fields[WORD]?.base, dnd: fields[DND]?.base },
    now: shownConsent(contact),
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
  if (decision.write !== null && writer) {
    if (!writer.dialect.capabilities.preferencesWrite) {
      notWritable(job, writer, WORD);
      return;
    }
    const answer = await writer.client.setPreferences({ customerId, optIn: decision.write }, { signal: ctx.signal });
    job.reverse.traceId = answer.traceId;
    const after = decision.write ? 'opted_in' : 'opted_out';
    job.reverse.changes.push({ field: 'preferences', before: pair.customer.optInStatus, after });
    pair.customer = { ...pair.customer, optInStatus: after };
    job.optIn = after;
  }
  const next = { ...fields };
  for (const [key, value] of Object.entries(decision.rebase)) next[key] = rebased(next[key] ?? { revision: 0 }, value);
  job.link = { ...job.link, fields: next };
}
