import { identitiesOf } from '../domain/match.ts';
import { toE164 } from '../domain/phone.ts';
import type { GhlContactSeen } from '../platforms/ghl/client.ts';
import type { Pair } from '../store/pairs.ts';
import type { JobContext } from './jobContext.ts';
import { noteSuccess } from './pushJob.ts';

export interface PersonFound {
  contact: GhlContactSeen;
  /** The e-mail belongs to somebody else's contact: it must not be sent (SPEC §2.5). */
  conflictEmailContactId: string | null;
}

/**
 * By identity, through the search that does not lag (reference/ghl.md §5.2, §5.3). One call asks for both identities;
 * only when somebody has one of them, a second one asks whether the other is somebody else's. The phone goes first.
 */
export async function lookForPerson(ctx: JobContext, pair: Pair): Promise<PersonFound | null> {
  const { customer } = pair;
  const { e164, email } = identitiesOf(
    { customerId: customer.stickycardsId, phone: customer.mobile, email: customer.email },
    ctx.connection.defaultCountry,
  );
  if (e164 === null && email === null) return null;
  const first = await look(ctx, e164, email);
  if (!first) return null;
  const hasPhone = e164 !== null && toE164(first.phone ?? '', ctx.connection.defaultCountry) === e164;
  const hasEmail = email !== null && first.email?.toLowerCase() === email;
  if (e164 === null || email === null || hasPhone === hasEmail) return { contact: first, conflictEmailContactId: null };
  const other = hasPhone ? await look(ctx, null, email) : await look(ctx, e164, null);
  if (!other || other.id === first.id) return { contact: first, conflictEmailContactId: null };
  return hasPhone
    ? { contact: first, conflictEmailContactId: other.id }
    : { contact: other, conflictEmailContactId: first.id };
}

async function look(ctx: JobContext, phone: string | null, email: string | null): Promise<GhlContactSeen | null> {
  const by = { ...(phone === null ? {} : { phone }), ...(email === null ? {} : { email }) };
  const answer = await ctx.ghl.searchDuplicate(by, { signal: ctx.signal });
  noteSuccess(ctx);
  return answer.contact;
}
