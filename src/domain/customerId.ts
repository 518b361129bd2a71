import { AppError } from '../errors.ts';

declare const checked: unique symbol;

/** The id of one Sticky Cards customer: never empty, so that what is addressed with it cannot go to everybody. */
export type CustomerId = string & { readonly [checked]: true };

/** The only way to make one. Throws AppError `push_without_customer` for whatever is no id. */
export function customerId(value: unknown): CustomerId {
  if (typeof value === 'string' && value.trim() !== '') return value as CustomerId;
  throw new AppError('push_without_customer', 'a push needs the customer that it is for');
}
