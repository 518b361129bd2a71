import { z } from 'zod';
import { addCard, moveBalance } from './changes.ts';
import { checked, created, ok, param, type Call, type Endpoint } from './endpoint.ts';
import { ApiRefusal } from './refusal.ts';
import { cardView } from './views.ts';
import { cardOf, customerOf } from './world.ts';

const issueBody = z.strictObject({
  customer_id: z.string().min(1),
  template_id: z.union([z.string().min(1), z.number().transform(String)]).optional(),
});
const balanceBody = z.strictObject({ balance: z.int('a whole number'), comment: z.string().max(500).optional() });
const statusBody = z.strictObject({ status: z.enum(['Active', 'Inactive', 'Suspended']) });

/** Not idempotent: asking twice makes two cards, as `POST /cards` of the platform does (sticky-cards.md §3). */
function issueCard({ world, body }: Call) {
  const { customer_id: customerId, template_id: templateId } = checked(issueBody, body);
  const card = addCard(world, customerId, { templateId }, world.now());
  world.tell({ type: 'CardIssuedEvent', customer: customerOf(world, customerId), card }, world.now());
  return created(cardView(card));
}

/** The number is added (`delta`) or becomes the balance (`absolute`): accounts differ, and the answer shows the new total. */
function changeBalance(call: Call) {
  const { world, body } = call;
  const card = cardOf(world, param(call, 'id'));
  const { balance, comment } = checked(balanceBody, body);
  const by = world.options.balanceMode === 'absolute' ? balance - card.balance : balance;
  moveBalance(world, card.cardId, by, world.now(), comment);
  return ok({ card_id: card.cardId, balance: card.balance });
}

/** No event tells about it (SPEC §2.3 has none). */
function setStatus(call: Call) {
  const card = cardOf(call.world, param(call, 'id'));
  const { status } = checked(statusBody, call.body);
  if (card.install === 'removed')
    throw new ApiRefusal(422, 'card_removed', ['status must not be set: the card was removed']);
  card.status = status;
  return ok({ card_id: card.cardId, status });
}

export const cardEndpoints: readonly Endpoint[] = [
  { method: 'post', path: '/v1/cards', handle: issueCard },
  { method: 'get', path: '/v1/cards/:id', handle: (call) => ok(cardView(cardOf(call.world, param(call, 'id')))) },
  { method: 'put', path: '/cards/:id/balance', handle: changeBalance },
  { method: 'put', path: '/cards/:id/status', handle: setStatus },
];
