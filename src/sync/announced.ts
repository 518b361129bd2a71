import { ApiError } from '../platforms/apiError.ts';
import type { LinkRow } from '../store/links.ts';
import { type PushJob, takeSideEffects } from './pushJob.ts';

/**
 * Write ahead, then send (SPEC §3.3): `link` names what is on its way and is on disk when the request leaves. It stays the
 * job's link when the answer came or when it may have landed; what certainly did not leaves the link as it was.
 */
export async function announced<T>(
  job: PushJob,
  link: LinkRow,
  send: (beforeSend: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const before = job.link;
  try {
    return await send(async () => {
      await job.ctx.settler.settle({ link, ...takeSideEffects(job) });
      job.link = link;
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.mayHaveLanded)) job.link = before;
    throw error;
  }
}
