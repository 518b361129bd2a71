import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { addCustomer, changeCustomer, linkSegment, matchCustomer, type CustomerChange } from './changes.ts';
import { checked, created, ok, param, type Call, type Endpoint } from './endpoint.ts';
import { ApiRefusal } from './refusal.ts';
import { customerView } from './views.ts';
import { customerOf } from './world.ts';

const PER_PAGE = 50;
const PER_PAGE_MAX = 200;

const name = z.string().trim().max(200).nullish();
const customerBody = z.strictObject({
  customer_id: z.string().min(1).optional(),
  first_name: name,
  last_name: name,
  email: z.email('an e-mail address').nullish(),
  phone_number: z
    .string()
    .regex(/^\+[1-9]\d{7,14}$/, 'a phone number with + and 8 to 15 digits')
    .nullish(),
});
const pageQuery = z.object({
  page: z.coerce.number().int().min(1).default(1),
  per_page: z.coerce.number().int().min(1).max(PER_PAGE_MAX).default(PER_PAGE),
});
const segmentsBody = z.strictObject({ segments: z.array(z.string().trim().min(1).max(100)) });
const preferencesBody = z.strictObject({ opt_in: z.boolean() });
const pushBody = z.strictObject({
  customer_id: z.string().min(1),
  message: z.string().trim().min(1).max(1000),
  title: z.string().max(200).nullish(),
});

/** A name may be emptied, an e-mail or phone only replaced: `null` leaves those alone. */
const changeOf = (body: z.infer<typeof customerBody>): CustomerChange => ({
  firstName: body.first_name === '' ? null : body.first_name,
  lastName: body.last_name === '' ? null : body.last_name,
  email: body.email ?? undefined,
  phone: body.phone_number ?? undefined,
});

/** Updates the customer named or matched by phone or e-mail, creates one otherwise (SPEC §4). No event tells about an update. */
function upsertCustomer({ world, body }: Call) {
  const given = checked(customerBody, body);
  const change = changeOf(given);
  const { byPhone, byEmail } = matchCustomer(world, change);
  const customerId = given.customer_id ?? byPhone ?? byEmail;
  if (customerId !== undefined) return ok(customerView(world, changeCustomer(world, customerId, change, world.now())));
  if (change.email === undefined && change.phone === undefined) {
    throw new ApiRefusal(422, 'invalid', ['body must have an email or a phone_number']);
  }
  const customer = addCustomer(world, change, world.now());
  world.tell({ type: 'CustomerCreatedEvent', customer }, world.now());
  return created(customerView(world, customer));
}

function listCustomers({ world, query }: Call) {
  const { page, per_page: perPage } = checked(pageQuery, query);
  const all = [...world.customers.values()];
  const items = all.slice((page - 1) * perPage, page * perPage).map((customer) => customerView(world, customer));
  const totalPages = Math.max(1, Math.ceil(all.length / perPage));
  return ok({ items, page, per_page: perPage, total_pages: totalPages, total_items: all.length });
}

/** The whole set: what it leaves out is left silently, what it adds is told like a link made at the till. */
function setSegments(call: Call) {
  const { world, body } = call;
  const customer = customerOf(world, param(call, 'id'));
  const wanted = [...new Set(checked(segmentsBody, body).segments)];
  customer.segments = customer.segments.filter((segment) => wanted.includes(segment));
  for (const segment of wanted) linkSegment(world, customer.customerId, segment, world.now());
  return ok({ customer_id: customer.customerId, segments: customer.segments });
}

function setPreferences(call: Call) {
  const customer = customerOf(call.world, param(call, 'id'));
  customer.optIn = checked(preferencesBody, call.body).opt_in;
  return ok({ customer_id: customer.customerId, opt_in: customer.optIn });
}

/** Sent whatever the consent: it is the caller who has to know (SPEC §3.4). The list of pushes keeps the consent of that moment. */
function pushToCustomer({ world, body }: Call) {
  const { customer_id: customerId, message, title } = checked(pushBody, body);
  const { optIn } = customerOf(world, customerId);
  const pushId = `psh_${randomUUID()}`;
  world.pushes.push({ pushId, customerId, message, title: title ?? null, sentAtMs: world.now(), optIn });
  return created({ push_id: pushId });
}

export const customerEndpoints: readonly Endpoint[] = [
  { method: 'post', path: '/v1/customers', handle: upsertCustomer },
  { method: 'get', path: '/v1/customers', handle: listCustomers },
  {
    method: 'get',
    path: '/v1/customers/:id',
    handle: (call) => ok(customerView(call.world, customerOf(call.world, param(call, 'id')))),
  },
  { method: 'put', path: '/customers/:id/segments', handle: setSegments },
  { method: 'put', path: '/customers/:id/preferences', handle: setPreferences },
  { method: 'post', path: '/v1/pushes/customer', handle: pushToCustomer },
];
