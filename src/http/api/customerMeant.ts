import type { Request } from 'express';
import { z } from 'zod';
import { SYNC_STATUSES } from '../../../drizzle/tables/staging.ts';
import { AppError } from '../../errors.ts';
import { customersById } from '../../store/customerQueries.ts';
import type { CustomerRow } from '../../store/staging.ts';
import type { Store } from '../../store/store.ts';
import { idText, oneOf, pathPart, upperCase } from './input.ts';

/** What people are looked for by. */
export const customerFilters = {
  connection: idText.optional(),
  syncStatus: oneOf(SYNC_STATUSES, upperCase)
    .optional()
    .meta({ description: 'SYNCED = in sync, SKIPPED = excluded on purpose, FAILED = failing, PENDING = due.' }),
  code: idText.optional().meta({ description: 'The code of the stored reason or failure, as in syncError.code.' }),
  q: idText.optional().meta({ description: 'An id, e-mail, phone number or card id; the beginning of a name.' }),
};

export const customerQuery = z.strictObject({
  connection: idText.optional().meta({ description: 'Needed when several connections know this customer.' }),
});

const connectionOf = (req: Request): string | undefined => {
  const { connection } = req.query;
  return typeof connection === 'string' ? connection.trim() : undefined;
};

/**
 * The one person that the path and `?connection=` mean; the query was checked before. Throws `unknown_customer` (404), or
 * `several_connections` (409) that names them.
 */
export async function meantCustomer(store: Store, req: Request): Promise<CustomerRow> {
  const connection = connectionOf(req);
  return oneCustomer(store, pathPart(req, 'customerId'), connection, 'add ?connection= with one of');
}

/** The same for a command line; `how` begins the sentence that names the connections. */
export async function oneCustomer(
  store: Store,
  customerId: string,
  connection: string | undefined,
  how: string,
): Promise<CustomerRow> {
  const rows = await customersById(store, customerId, connection);
  const [row] = rows;
  if (!row) {
    const where = connection === undefined ? '' : ` in connection "${connection}"`;
    throw new AppError('unknown_customer', `there is no such customer${where}: GET /api/customers?q= finds people`, {
      httpStatus: 404,
    });
  }
  if (rows.length === 1) return row;
  const names = rows.map((r) => r.connectionId);
  throw new AppError('several_connections', `several connections know this customer: ${how} ${names.join(', ')}`, {
    httpStatus: 409,
    details: { field: 'connection', connections: names },
  });
}
