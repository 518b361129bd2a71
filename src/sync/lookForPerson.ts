import { identitiesOf } from '../domain/match.ts';
import type { GhlContactSeen } from '../platforms/ghl/client.ts';
import type { Pair } from '../store/pairs.ts';
import type { JobContext } from './jobContext.ts';
import { noteSuccess } from './pushJob.ts';

/** By identity, through the search that does not lag (reference/ghl.md §5.2, §5.3): phone first, then e-mail. */
export async function lookForPerson(ctx: JobContext, pair: Pair): Promise<GhlContactSeen | null> {
  const { e164, email } = identitiesOf(
    { customerId: pair.customer.stickycardsId, phone: pair.customer.mobile, email: pair.customer.email },
    ctx.connection.defaultCountry,
  );
  for (const by of [e164 === null ? null : { phone: e164 }, email === null ? null : { email }]) {
    if (by === null) continue;
    const answer = await ctx.ghl.searchDuplicate(by, { signal: ctx.signal });
    noteSuccess(ctx);
    if (answer.contact) return answer.contact;
  }
  return null;
}
