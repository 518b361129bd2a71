import { type ActionResult, applied, rejected } from '../../domain/actionAnswer.ts';
import type { ActionParameters } from '../../domain/actionCall.ts';
import { canonicalTag } from '../../domain/canonical.ts';
import { nextSet } from '../../domain/segmentPlan.ts';
import type { FieldChange } from '../../../drizzle/tables/runs.ts';
import type { NewInboxRow } from '../../store/inbox.ts';
import { cardWritten, customerWritten } from '../stickyRows.ts';
import { toldByRead } from '../toldByRead.ts';
import { againstOptIn } from './againstOptIn.ts';
import type { ActionContext, Outcome } from './context.ts';
import type { Found } from './findContact.ts';

export type Linked = Extract<Found, { kind: 'linked' }>;
export type StateAction = Extract<ActionParameters, { action: 'card-status' | 'segments' | 'preferences' }>;
type Sticky = NonNullable<ActionContext['sticky']>;

/** What was written, and is still to be stored. */
export interface Written {
  answer: ActionResult;
  observation: NewInboxRow | null;
  changes: FieldChange[];
  traceId: string | null;
  /** Which values of the customer were set: an older call that had to wait leaves them alone. */
  sets: string[];
  /** What Sticky Cards was told about consent. */
  optIn?: string;
}

export const idsOf = ({ contactId, customer }: Linked) => ({
  contact_id: contactId,
  customer_id: customer.stickycardsId,
});
const reject = (answer: ActionResult): Outcome => ({ kind: 'done', answer });
const superseded = (found: Linked): Outcome => reject(rejected('superseded', idsOf(found)));

/**
 * Sets what a call asks for, without what `later` names.
 * @param later the values of the customer that calls which came after this one have set
 */
export async function setValue(
  ctx: ActionContext,
  sticky: Sticky,
  found: Linked,
  parameters: StateAction,
  later: ReadonlySet<string>,
): Promise<Written | Outcome> {
  switch (parameters.action) {
    case 'card-status':
      return setCardStatus(ctx, sticky, found, parameters.status, later);
    case 'segments':
      return changeSegments(ctx, sticky, found, parameters, later);
    case 'preferences':
      return later.has(PREFERENCES) ? superseded(found) : setPreferences(ctx, sticky, found, parameters.opt_in);
  }
}

const PREFERENCES = 'preferences';
const statusOfCard = (cardId: string): string => `status of card ${cardId}`;
const segment = (name: string): string => `segment ${canonicalTag(name)}`;

async function setCardStatus(
  { needs, connection, signal }: ActionContext,
  { client, dialect }: Sticky,
  found: Linked,
  status: 'active' | 'inactive' | 'suspended',
  later: ReadonlySet<string>,
): Promise<Written | Outcome> {
  const { customer, link } = found;
  const cardId = customer.cardId ?? link.cardId;
  if (cardId === null) return reject(rejected('no_card', idsOf(found)));
  if (later.has(statusOfCard(cardId))) return superseded(found);
  const word = dialect.statusWrites[status] as string;
  const { traceId, dateMs } = await client.setCardStatus({ cardId, status: word }, { signal });
  const change = { cardId, customerId: customer.stickycardsId, status };
  return {
    answer: applied('ok', 'The status of the card was set.', { card_id: cardId, status }),
    observation: cardWritten(needs.store, connection.id, change, dateMs),
    changes: [{ field: 'card_status', before: customer.cardStatus, after: status }],
    traceId,
    sets: [statusOfCard(cardId)],
  };
}

/** Read, change, write: whatever else the customer is in stays as it is. */
async function changeSegments(
  { needs, connection, signal }: ActionContext,
  { client }: Sticky,
  found: Linked,
  asked: { add?: readonly string[] | undefined; remove?: readonly string[] | undefined },
  later: ReadonlySet<string>,
): Promise<Written | Outcome> {
  const [add, remove] = [asked.add ?? [], asked.remove ?? []].map((names) =>
    names.filter((name) => !later.has(segment(name))),
  ) as [string[], string[]];
  if (add.length + remove.length === 0) return superseded(found);
  const customerId = found.customer.stickycardsId;
  const read = await client.getCustomer(customerId, { signal });
  const before = toldByRead(read, 'segments');
  const segments = nextSet(before, add, remove);
  const same = segments.join('\n') === before.join('\n');
  const said = same ? read : await client.setSegments({ customerId, segments }, { signal });
  return {
    answer: applied(same ? 'no_change' : 'ok', same ? 'It was so already.' : 'The segments were changed.', {
      segments,
    }),
    observation: customerWritten(needs.store, connection.id, { customerId, segments }, said.dateMs),
    changes: [{ field: 'segments', before: before.join(', ') || null, after: segments.join(', ') || null }],
    traceId: said.traceId,
    sets: [...add, ...remove].map(segment),
  };
}

async function setPreferences(
  ctx: ActionContext,
  { client }: Sticky,
  found: Linked,
  optIn: boolean,
): Promise<Written | Outcome> {
  const inTheWay = optIn ? await againstOptIn(ctx, found.contactId, idsOf(found)) : null;
  if (inTheWay) return inTheWay;
  const { customer } = found;
  const { traceId } = await client.setPreferences(
    { customerId: customer.stickycardsId, optIn },
    { signal: ctx.signal },
  );
  const status = optIn ? 'opted_in' : 'opted_out';
  return {
    answer: applied('ok', 'The preference was set.', { opt_in: optIn }),
    observation: null,
    changes: [{ field: 'preferences', before: customer.optInStatus, after: status }],
    traceId,
    sets: [PREFERENCES],
    optIn: status,
  };
}
