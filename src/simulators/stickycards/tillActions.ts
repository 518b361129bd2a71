import { z } from 'zod';
import { checked } from './endpoint.ts';
import type { Till } from './till.ts';

/** The till by name, for forms and for terminals: all values may be text. */
interface TillAction {
  /** For the page: which fields its form has. */
  fields: readonly string[];
  run(till: Till, values: unknown): unknown;
}

const text = z.string().trim().min(1);
/** A field of a form that was left empty was not given. */
const optional = <T>(schema: z.ZodType<T>) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
const flag = z.preprocess(
  (value) => (typeof value === 'string' ? value === 'true' || value === 'on' : value),
  z.boolean(),
);
const phone = z
  .string()
  .trim()
  .regex(/^\+[1-9]\d{7,14}$/, 'a phone number with + and 8 to 15 digits');
const email = z.string().trim().pipe(z.email());
const person = { firstName: optional(text), lastName: optional(text), email: optional(email), phone: optional(phone) };
const money = { amount: z.coerce.number().positive(), currency: optional(text), cardId: optional(text) };

function action<S extends z.ZodRawShape>(
  shape: S,
  run: (till: Till, values: z.infer<z.ZodObject<S>>) => unknown,
): TillAction {
  const schema = z.object(shape);
  return {
    fields: Object.keys(shape),
    run: (till, values) => run(till, checked(schema as z.ZodType<z.infer<z.ZodObject<S>>>, values ?? {})) ?? {},
  };
}

const card = { cardId: text };
const customer = { customerId: text };

export const TILL_ACTIONS: Readonly<Record<string, TillAction>> = {
  createCustomer: action(person, (till, values) => till.createCustomer(values)),
  updateCustomer: action({ ...customer, ...person }, (till, { customerId, ...change }) =>
    till.updateCustomer(customerId, change),
  ),
  setOptIn: action({ ...customer, optIn: flag }, (till, values) => till.setOptIn(values.customerId, values.optIn)),
  issueCard: action({ ...customer, templateId: optional(text) }, (till, { customerId, ...rest }) =>
    till.issueCard(customerId, rest),
  ),
  installCard: action(card, (till, { cardId }) => till.installCard(cardId)),
  removeCard: action(card, (till, { cardId }) => till.removeCard(cardId)),
  expireCard: action(card, (till, { cardId }) => till.expireCard(cardId)),
  setCardStatus: action({ ...card, status: z.enum(['Active', 'Inactive', 'Suspended']) }, (till, { cardId, status }) =>
    till.setCardStatus(cardId, status),
  ),
  scan: action(card, (till, { cardId }) => till.scan(cardId)),
  addPoints: action({ ...card, points: z.coerce.number().int() }, (till, { cardId, points }) =>
    till.addPoints(cardId, points),
  ),
  refer: action(customer, (till, { customerId }) => till.refer(customerId)),
  linkSegment: action({ ...customer, segment: text }, (till, { customerId, segment }) =>
    till.linkSegment(customerId, segment),
  ),
  unlinkSegment: action({ ...customer, segment: text }, (till, { customerId, segment }) =>
    till.unlinkSegment(customerId, segment),
  ),
  feedback: action(
    { ...customer, rating: z.coerce.number().int().min(1).max(5), comment: optional(text) },
    (till, values) => till.feedback(values.customerId, values),
  ),
  pay: action({ ...customer, ...money }, (till, { customerId, ...due }) => till.pay(customerId, due)),
  payFailed: action({ ...customer, ...money }, (till, { customerId, ...due }) => till.payFailed(customerId, due)),
  refund: action({ paymentId: text, amount: optional(z.coerce.number().positive()) }, (till, { paymentId, amount }) =>
    till.refund(paymentId, amount),
  ),
  recurrentFailed: action({ ...customer, ...money }, (till, { customerId, ...due }) =>
    till.recurrentFailed(customerId, due),
  ),
};
