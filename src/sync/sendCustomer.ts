import type { NewCustomerDetails } from '../domain/newCustomer.ts';
import { AppError } from '../errors.ts';
import { ApiError } from '../platforms/apiError.ts';
import type { CustomerWrite } from '../platforms/stickycards/report/client.ts';
import { moveCommand } from '../store/commands.ts';
import { type Creation, DECIDED_MEANWHILE, keyOfDetail } from './customerCreation.ts';
import type { JobContext } from './jobContext.ts';
import { type Detail, type Made, type Refused, settleMade, settleRefused } from './settleCustomer.ts';

/** The platform's name of each detail, as its refusals spell it. */
const DETAILS: Record<string, Detail> = {
  first_name: 'firstName',
  last_name: 'lastName',
  surname: 'lastName',
  email: 'email',
  phone: 'phone',
  phone_number: 'phone',
};

/**
 * POST /v1/customers, once (SPEC §3.5): `sending` is on disk right before it leaves, what came of it in one transaction
 * after it. One detail that is refused goes without, as long as a phone or an e-mail is left.
 */
export async function sendCustomer(ctx: JobContext, creation: Creation): Promise<void> {
  const refused: Refused = { fields: {}, problems: [] };
  let { details } = creation;
  for (;;) {
    const outcome = await call(ctx, creation, details);
    if (!(outcome instanceof ApiError)) return settleMade(ctx, creation, outcome, refused);
    const detail = refusedDetail(details, outcome);
    if (detail === null) return settleRefused(ctx, creation, outcome);
    noteRefused(ctx, creation, detail, details[detail], outcome, refused);
    details = { ...details, [detail]: null };
  }
}

/** One call; answers an ApiError that says no for certain, and rejects with everything that may come out otherwise later. */
async function call(
  ctx: JobContext,
  { command, lost }: Creation,
  details: NewCustomerDetails,
): Promise<Made | ApiError> {
  const { store, sticky } = ctx;
  const move = (from: ('pending' | 'unknown' | 'sending')[], set: Parameters<typeof moveCommand>[4]) =>
    store.tx((db) => moveCommand(store, db, command.id, from, set), { priority: 4 });
  let announced = false;
  try {
    const answer = await (sticky as NonNullable<JobContext['sticky']>).client.upsertCustomer(bodyOf(details), {
      signal: ctx.signal,
      beforeSend: async () => {
        const set = { state: 'sending' as const, sentAt: store.clock.now(), attempts: command.attempts + 1, looks: 0 };
        if (!(await move(['pending', 'unknown', 'sending'], set)))
          throw new AppError(DECIDED_MEANWHILE, 'a person decided about this creation a moment ago');
        announced = true;
      },
    });
    return { ...answer, written: details };
  } catch (error) {
    const api = error instanceof ApiError ? error : null;
    if (api && !api.mayHaveLanded && ['gone', 'conflict', 'field', 'validation'].includes(api.class)) return api;
    // This call never happened, but one before it may have: what is not known stays not known.
    const state = api?.mayHaveLanded || lost ? ('unknown' as const) : ('pending' as const);
    if (announced) await move(['sending'], { state, reason: api?.message ?? null });
    throw error;
  }
}

const bodyOf = (details: NewCustomerDetails): CustomerWrite =>
  Object.fromEntries(Object.entries(details).filter(([, value]) => value !== null));

/**
 * The detail to leave out after a refusal; null = there is none, or nothing would be left to find the person by. A phone
 * and an e-mail of two different customers: the phone decides who it is (SPEC §2.5), so the e-mail stays behind.
 */
function refusedDetail(details: NewCustomerDetails, error: ApiError): Detail | null {
  const detail =
    error.class === 'conflict'
      ? 'email'
      : error.class === 'field'
        ? DETAILS[(error.field ?? '').toLowerCase()]
        : undefined;
  if (detail === undefined || details[detail] === null) return null;
  const left = { ...details, [detail]: null };
  return left.phone === null && left.email === null ? null : detail;
}

function noteRefused(
  ctx: JobContext,
  { contact }: Creation,
  detail: Detail,
  value: string | null,
  error: ApiError,
  refused: Refused,
): void {
  const conflict = error.class === 'conflict';
  const field = keyOfDetail(ctx, detail) ?? detail;
  const reason = conflict ? 'identity_conflict' : 'refused_by_sticky_cards';
  refused.fields[field] = { revision: 0, held: { reason, value, atMs: ctx.store.clock.nowMs(), of: 'ghl' } };
  refused.problems.push({
    code: conflict ? 'customer_conflict' : 'field_refused_by_sticky_cards',
    cause: field,
    recordId: contact.ghlContactId,
    sample: {
      contactId: contact.ghlContactId,
      field,
      otherCustomerId: error.meta?.existingId ?? null,
      message: error.message,
      traceId: error.traceId ?? null,
    },
  });
}
