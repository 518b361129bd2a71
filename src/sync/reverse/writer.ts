import type { Dialect } from '../../platforms/stickycards/dialect.ts';
import type { ReportClient } from '../../platforms/stickycards/report/client.ts';
import type { PushJob } from '../pushJob.ts';

/** Sticky Cards as a job may write to it. */
export interface Writer {
  client: ReportClient;
  dialect: Dialect;
}

/** null = this run does not write to Sticky Cards: what GHL changed stays open. */
export const writerOf = ({ ctx, closed }: PushJob): Writer | null =>
  ctx.halves.toSticky && !closed ? ctx.sticky : null;

/** Says once per field that the API of this account cannot take a change; the base stays (SPEC §2.4). */
export function notWritable(job: PushJob, field: string): void {
  job.problems.push({
    code: 'not_writable_by_api',
    cause: field,
    recordId: job.pair.customer.stickycardsId,
    sample: { contactId: job.link.ghlId, field, dialect: job.ctx.connection.dialect },
  });
}
