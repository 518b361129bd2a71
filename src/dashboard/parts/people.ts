import { peopleOfRecords } from '../../store/dashboardQueries.ts';
import type { Store } from '../../store/store.ts';
import { html, type Html } from '../html.ts';
import { customerHref } from './basics.ts';

/** Who these records are: a customer's or a contact's id → the customer; undefined = nobody that is known. */
export type People = (
  connectionId: string,
  recordId: string | null,
) => { customerId: string; name: string } | undefined;

/** The names of everybody that the rows of a list are about, in two queries for each connection. */
export async function peopleOf(
  store: Store,
  records: readonly { connectionId: string; ids: readonly (string | null)[] }[],
): Promise<People> {
  const known = new Map<string, Map<string, { customerId: string; name: string }>>();
  for (const [connectionId, group] of Map.groupBy(records, (record) => record.connectionId)) {
    const ids = new Set(group.flatMap((record) => record.ids).filter((id) => id !== null));
    known.set(connectionId, await peopleOfRecords(store, connectionId, [...ids]));
  }
  return (connectionId, recordId) => (recordId === null ? undefined : known.get(connectionId)?.get(recordId));
}

/** A customer by name, else by id. */
export const personLink = (connectionId: string, customerId: string, person: { name: string } | undefined): Html =>
  html`<a href=${customerHref(connectionId, customerId)}>${person?.name || customerId}</a>`;
