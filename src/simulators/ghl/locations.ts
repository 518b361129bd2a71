import { ok, type Answer, type Call, type Endpoint } from './endpoint.ts';
import { forbidden } from './refusals.ts';
import type { SimulatedLocation } from './world.ts';

const scopes = ['locations.readonly'];

function locationView(location: SimulatedLocation): Record<string, unknown> {
  const { id, name, timezone, allowDuplicateContact, allowDuplicateOpportunity } = location.options;
  return {
    id,
    name: name ?? id,
    country: location.country,
    timezone: timezone ?? 'America/New_York',
    settings: {
      allowDuplicateContact: allowDuplicateContact ?? false,
      allowDuplicateOpportunity: allowDuplicateOpportunity ?? false,
      allowFacebookNameMerge: false,
      disableContactTimezone: false,
    },
  };
}

/** With the token of the location or of its agency (ghl.md §7). */
function get(call: Call): Answer {
  const location = call.world.locations.get(call.params.locationId ?? '');
  const { grant } = call;
  const ours =
    location !== undefined &&
    (grant.locationId === undefined
      ? grant.companyId === location.companyId
      : grant.locationId === location.options.id);
  if (!ours) throw forbidden();
  return ok({ location: { ...locationView(location), companyId: location.companyId } });
}

function search(call: Call): Answer {
  const { grant } = call;
  const seen = [...call.world.locations.values()].filter((location) =>
    grant.locationId === undefined ? location.companyId === grant.companyId : location.options.id === grant.locationId,
  );
  const skip = Number(call.query.skip ?? 0);
  return ok({ locations: seen.slice(skip, skip + Number(call.query.limit ?? 10)).map(locationView) });
}

export const locationEndpoints: Endpoint[] = [
  { method: 'get', path: '/locations/search', scopes, handle: search },
  { method: 'get', path: '/locations/:locationId', scopes, handle: get },
];
