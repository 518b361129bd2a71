import { checkedBody, flag, number, oneOf, text, textList, type Shape } from './bodyRules.ts';
import { customFieldItems } from './contactRules.ts';
import { customFieldChanges } from './customValues.ts';
import {
  contactOf,
  created,
  locationOf,
  missing,
  ok,
  queriedLocation,
  type Answer,
  type Call,
  type Endpoint,
} from './endpoint.ts';
import {
  changeOpportunity,
  createOpportunity,
  deleteOpportunity,
  existingIn,
  pipelineOf,
  type OpportunityChange,
} from './opportunityStore.ts';
import { opportunityView } from './opportunitySearch.ts';
import { badRequest, forbidden } from './refusals.ts';
import type { SimulatedLocation, StoredOpportunity } from './world.ts';

const read = ['opportunities.readonly'];
const write = ['opportunities.write'];

/** "all" is for searching only (ghl.md §8). */
const status = oneOf('open', 'won', 'lost', 'abandoned');

const updateShape: Shape = {
  pipelineId: text,
  name: text,
  pipelineStageId: text,
  status,
  monetaryValue: number,
  assignedTo: text,
  customFields: customFieldItems,
};
const createShape: Shape = { ...updateShape, locationId: text, contactId: text };
/** With contactId and without the follower fields: openapi has it the wrong way round (ghl.md §8, §11). */
const { customFields: _notInUpsert, ...upsertBase } = createShape;
const upsertShape: Shape = {
  ...upsertBase,
  id: text,
  lostReasonId: text,
  followers: textList,
  isRemoveAllFollowers: flag,
  followersActionType: oneOf('add', 'remove'),
};

function changeOf(call: Call, location: SimulatedLocation, body: Record<string, unknown>): OpportunityChange {
  const names = ['name', 'pipelineId', 'pipelineStageId', 'status', 'monetaryValue', 'assignedTo', 'lostReasonId'];
  const given = Object.fromEntries(names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]));
  return { ...given, customFields: customFieldChanges(call.world, location, body.customFields, 'opportunity') };
}

function opportunityOf(call: Call, id = call.params.id ?? ''): { location: SimulatedLocation; it: StoredOpportunity } {
  const it = call.world.opportunities.get(id);
  if (!it) throw missing('Opportunity', id);
  if (it.locationId !== call.grant.locationId) throw forbidden();
  return { location: call.world.locations.get(it.locationId)!, it };
}

function create(call: Call): Answer {
  const body = checkedBody(call.body, createShape, ['pipelineId', 'locationId', 'name', 'status', 'contactId']);
  const location = locationOf(call, body.locationId);
  const contact = contactOf(call, body.contactId as string);
  const pipelineId = pipelineOf(location, body.pipelineId as string).id;
  const existing = existingIn(call.world, contact.id, pipelineId);
  if (existing && location.options.allowDuplicateOpportunity !== true) {
    // The id is right at once, unlike the search index (ghl.md §8).
    throw badRequest('Can not create duplicate opportunity for the contact.', {
      code: 'OPPORTUNITY_NO_DUPLICATE',
      meta: { existingId: existing.id },
    });
  }
  const made = createOpportunity(call.world, location, contact, { ...changeOf(call, location, body), pipelineId });
  return created({ opportunity: opportunityView(call.world, made) });
}

/** Finds the existing one by id, else by contact and pipeline (ghl.md §8: likely). */
function upsert(call: Call): Answer {
  const body = checkedBody(call.body, upsertShape, ['pipelineId', 'locationId']);
  const location = locationOf(call, body.locationId);
  const pipelineId = pipelineOf(location, body.pipelineId as string).id;
  const change = { ...changeOf(call, location, body), pipelineId };
  if (body.id !== undefined) {
    const { it } = opportunityOf(call, body.id as string);
    const updated = changeOpportunity(call.world, location, it, change);
    return ok({ opportunity: opportunityView(call.world, updated), new: false });
  }
  const contact = contactOf(call, (body.contactId as string | undefined) ?? '');
  const existing = existingIn(call.world, contact.id, pipelineId);
  const kept = existing
    ? changeOpportunity(call.world, location, existing, change)
    : createOpportunity(call.world, location, contact, change);
  return ok({ opportunity: opportunityView(call.world, kept), new: !existing });
}

function update(call: Call): Answer {
  const { location, it } = opportunityOf(call);
  const body = checkedBody(call.body, updateShape);
  const updated = changeOpportunity(call.world, location, it, changeOf(call, location, body));
  return ok({ opportunity: opportunityView(call.world, updated) });
}

function updateStatus(call: Call): Answer {
  const { location, it } = opportunityOf(call);
  const body = checkedBody(call.body, { status, lostReasonId: text }, ['status']);
  changeOpportunity(call.world, location, it, changeOf(call, location, body));
  return ok({ succeded: true });
}

function remove(call: Call): Answer {
  const { location, it } = opportunityOf(call);
  deleteOpportunity(call.world, location, it);
  return ok({ succeded: true });
}

function pipelines(call: Call): Answer {
  const location = queriedLocation(call, 'locationId');
  const list = (location.options.pipelines ?? []).map((pipeline) => ({
    ...pipeline,
    stages: pipeline.stages.map((stage, position) => ({ ...stage, position })),
    showInFunnel: true,
    showInPieChart: true,
    locationId: location.options.id,
  }));
  return ok({ pipelines: list });
}

export const opportunityEndpoints: Endpoint[] = [
  { method: 'get', path: '/opportunities/pipelines', scopes: read, handle: pipelines },
  { method: 'post', path: '/opportunities/upsert', scopes: write, handle: upsert },
  { method: 'post', path: '/opportunities', scopes: write, handle: create },
  {
    method: 'get',
    path: '/opportunities/:id',
    scopes: read,
    handle: (call) => ok({ opportunity: opportunityView(call.world, opportunityOf(call).it) }),
  },
  { method: 'put', path: '/opportunities/:id', scopes: write, handle: update },
  { method: 'delete', path: '/opportunities/:id', scopes: write, handle: remove },
  { method: 'put', path: '/opportunities/:id/status', scopes: write, handle: updateStatus },
];
