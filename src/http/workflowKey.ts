import type { IncomingHttpHeaders } from 'node:http';
import type { Connection } from '../domain/connection.ts';
import { constantTimeEqual } from '../platforms/signature.ts';
import type { Problem } from './problem.ts';
import { refusal } from './receiverProblems.ts';

export interface KeyHolders {
  get(id: string): Connection | undefined;
  byLocation(ghlLocationId: string): Connection | undefined;
  all(): readonly Connection[];
}

const WHERE =
  'Send it as "Authorization: Bearer …", as "X-Api-Key", as ?key=… in the address, or as "key" under Custom Data.';

const MISSING = refusal(401, 'workflow_key_missing', 'The call holds no secret', WHERE);
const WRONG = refusal(
  401,
  'workflow_key_wrong',
  'The secret does not match',
  `Compare it with the workflow key (GHL_WORKFLOW_KEY) of the connection. ${WHERE}`,
);
const MISMATCH = refusal(
  401,
  'workflow_location_mismatch',
  'The call comes from another location',
  'The location in the body is not the one of the connection whose address or secret was used. Copy the address and the secret of this location.',
);
const AMBIGUOUS = refusal(
  401,
  'workflow_key_ambiguous',
  'The secret belongs to several connections',
  'The body names no location, so the connection cannot be told. Put its name into the address: /webhooks/ghl/workflow/<connection>.',
);

/** Every secret that a workflow call carries; the four places of SPEC §3.1. */
export function keysIn(headers: IncomingHttpHeaders, inAddress: string | null, inBody: string | null): string[] {
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  const header = headers['x-api-key'];
  const named = [bearer, Array.isArray(header) ? header[0] : header, inAddress, inBody];
  return named.map((key) => key?.trim() ?? '').filter((key) => key !== '');
}

/**
 * The connection that a call speaks for, or the refusal: by the address, else by the location in the body, else the key's
 * own (SPEC §3.1). Compared in constant time; a connection without a key takes nothing.
 */
export function authorize(
  connections: KeyHolders,
  keys: readonly string[],
  connectionId: string | null,
  locationId: string | null,
): Connection | Problem {
  if (keys.length === 0) return MISSING;
  const opens = ({ ghl: { workflowKey } }: Connection): boolean =>
    workflowKey !== null && workflowKey !== '' && keys.filter((key) => constantTimeEqual(key, workflowKey)).length > 0;

  const named =
    connectionId !== null
      ? connections.get(connectionId)
      : locationId === null
        ? undefined
        : connections.byLocation(locationId);
  if (named) {
    if (!opens(named)) return WRONG;
    return locationId === null || locationId === named.ghl.locationId ? named : MISMATCH;
  }
  // All of them, so that the time tells nothing of which one it was.
  const holders = connections.all().filter(opens);
  const [holder] = holders;
  if (!holder) return WRONG;
  if (locationId !== null) return MISMATCH;
  return holders.length === 1 ? holder : AMBIGUOUS;
}
