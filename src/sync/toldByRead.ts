import type { ApiError } from '../platforms/apiError.ts';
import { unexpectedAnswer } from '../platforms/callApi.ts';
import type { CustomerSeen } from '../platforms/stickycards/report/client.ts';

type Told = 'segments' | 'cards';

interface Read {
  customer: CustomerSeen;
  traceId: string | null;
}

/**
 * The segments or cards that a read of the customer shows. Left out, or null, they are not told (SPEC §2.2), which is not
 * "none": a whole set that is written from it would wipe what is there, and a second card would be issued (SPEC §3.2).
 * Rejects it like any answer that is not what was asked for, so that it is read again later.
 */
export function toldByRead<K extends Told>(read: Read, what: K): NonNullable<CustomerSeen[K]> {
  const told = read.customer[what];
  if (told == null) throw notTold(read, what);
  return told;
}

export const notTold = ({ traceId }: Pick<Read, 'traceId'>, what: Told): ApiError =>
  unexpectedAnswer('stickycards', 200, traceId, `no ${what} of the customer`, false);
