import { findContact } from './contactStore.ts';
import { badRequest, contactNotFound, forbidden, unprocessable } from './refusals.ts';
import type { SimulatedLocation, StoredContact, World } from './world.ts';

/** What a bearer token may do; without `locationId` it is an agency's. */
export interface Grant {
  locationId?: string;
  companyId: string;
  scopes: readonly string[] | 'all';
  expiresAtMs?: number;
}

/** A request that has passed authentication, rate limit and scope. */
export interface Call {
  world: World;
  grant: Grant;
  params: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** One row of the API: what it needs and what it does. */
export interface Endpoint {
  method: 'get' | 'post' | 'put' | 'delete';
  path: string;
  /** One of these is enough; empty = any valid token; `null` = no token. */
  scopes: readonly string[] | null;
  /** Whether the `Version` header is asked for; it is by default (ghl.md §1). */
  versioned?: boolean;
  handle(call: Call): Answer;
}

export const ok = (body: Record<string, unknown>): Answer => ({ status: 200, body });
export const created = (body: Record<string, unknown>): Answer => ({ status: 201, body });

/** A location that the token may use; 403 for every other (ghl.md §4). */
export function locationOf(call: Call, id: unknown): SimulatedLocation {
  const location = typeof id === 'string' ? call.world.locations.get(id) : undefined;
  if (!location || call.grant.locationId !== id) throw forbidden();
  return location;
}

/** The location named in the query under `name`. */
export function queriedLocation(call: Call, name: string): SimulatedLocation {
  const id = call.query[name];
  if (id === undefined || id === '') throw unprocessable([`${name} should not be empty`, `${name} must be a string`]);
  return locationOf(call, id);
}

/** The contact of `:contactId`: 400 when nobody has that id, 403 when it is another location's. */
export function contactOf(call: Call, id = call.params.contactId ?? ''): StoredContact {
  const contact = findContact(call.world, id);
  if (!contact) throw contactNotFound(id);
  if (contact.locationId !== call.grant.locationId) throw forbidden();
  return contact;
}

export const locationOfContact = (call: Call, contact: StoredContact): SimulatedLocation =>
  call.world.locations.get(contact.locationId)!;

/** A whole number from the query, within bounds; 422 otherwise. */
export function wholeNumber(query: Record<string, string>, name: string, fallback: number, max: number): number {
  const value = query[name];
  if (value === undefined || value === '') return fallback;
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw unprocessable([`${name} must be a positive number`]);
  if (n > max) throw unprocessable([`${name} must not be greater than ${max}`]);
  return n;
}

export const missing = (what: string, id: string) => badRequest(`${what} with id ${id} not found`);
