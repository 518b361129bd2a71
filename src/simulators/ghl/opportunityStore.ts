import { emitOpportunity } from './webhookBodies.ts';
import { newGhlId, type StoredContact, type StoredOpportunity, type World } from './world.ts';
import type { CustomValue, PipelineOptions, SimulatedOpportunity } from './types.ts';
import { badRequest } from './refusals.ts';
import type { SimulatedLocation } from './world.ts';

export interface OpportunityChange {
  name?: string;
  pipelineId?: string;
  pipelineStageId?: string;
  status?: string;
  monetaryValue?: number;
  assignedTo?: string;
  lostReasonId?: string;
  customFields?: Record<string, CustomValue | null>;
}

export function pipelineOf(location: SimulatedLocation, id: string): PipelineOptions {
  const pipeline = location.options.pipelines?.find((each) => each.id === id);
  if (!pipeline) throw badRequest(`The pipeline id ${id} is invalid.`);
  return pipeline;
}

/** The stage asked for if the pipeline has it; without one, the first. */
export function stageIdOf(pipeline: PipelineOptions, id: string | undefined): string {
  if (id === undefined) return pipeline.stages[0]?.id ?? '';
  if (!pipeline.stages.some((stage) => stage.id === id)) throw badRequest(`The pipeline stage id ${id} is invalid.`);
  return id;
}

/** The one that a contact has in a pipeline, whatever its status (ghl.md §8). */
export function existingIn(world: World, contactId: string, pipelineId: string): StoredOpportunity | undefined {
  for (const id of world.opportunitiesOfContact.get(contactId) ?? []) {
    const opportunity = world.opportunities.get(id);
    if (opportunity?.pipelineId === pipelineId) return opportunity;
  }
  return undefined;
}

function keep(world: World, location: SimulatedLocation, opportunity: StoredOpportunity): void {
  world.opportunities.set(opportunity.id, opportunity);
  location.opportunityIndex.put(opportunity.id, opportunity);
  const ids = world.opportunitiesOfContact.get(opportunity.contactId);
  if (ids) ids.add(opportunity.id);
  else world.opportunitiesOfContact.set(opportunity.contactId, new Set([opportunity.id]));
}

function mergedFields(
  before: SimulatedOpportunity['customFields'],
  change: Record<string, CustomValue | null> = {},
): SimulatedOpportunity['customFields'] {
  const merged = new Map(before.map((field) => [field.id, field.fieldValue]));
  for (const [id, value] of Object.entries(change)) {
    if (value === null) merged.delete(id);
    else merged.set(id, value);
  }
  return [...merged].map(([id, fieldValue]) => ({ id, fieldValue }));
}

export function createOpportunity(
  world: World,
  location: SimulatedLocation,
  contact: StoredContact,
  change: OpportunityChange & { pipelineId: string },
): StoredOpportunity {
  const { customFields, ...given } = change;
  const stamp = world.stamp();
  const opportunity: StoredOpportunity = {
    name: '',
    status: 'open',
    monetaryValue: 0,
    ...given,
    id: newGhlId(),
    locationId: location.options.id,
    contactId: contact.id,
    pipelineStageId: stageIdOf(pipelineOf(location, change.pipelineId), change.pipelineStageId),
    customFields: mergedFields([], customFields),
    createdAt: stamp,
    updatedAt: stamp,
    lastStatusChangeAt: stamp,
    lastStageChangeAt: stamp,
    createdAtMs: world.stampMs(),
    updatedAtMs: world.stampMs(),
  };
  keep(world, location, opportunity);
  emitOpportunity(world, 'OpportunityCreate', opportunity);
  return opportunity;
}

/** One event for the change and one for each thing that has an event of its own (ghl.md §9.1). */
export function changeOpportunity(
  world: World,
  location: SimulatedLocation,
  before: StoredOpportunity,
  change: OpportunityChange,
): StoredOpportunity {
  const { customFields, ...given } = change;
  const pipelineId = given.pipelineId ?? before.pipelineId;
  const moved = pipelineId !== before.pipelineId;
  const stage = given.pipelineStageId ?? (moved ? undefined : before.pipelineStageId);
  const stamp = world.stamp();
  const after: StoredOpportunity = {
    ...before,
    ...given,
    pipelineStageId: stageIdOf(pipelineOf(location, pipelineId), stage),
    customFields: mergedFields(before.customFields, customFields),
    updatedAt: stamp,
    updatedAtMs: world.stampMs(),
  };
  const statusChanged = after.status !== before.status;
  const stageChanged = moved || after.pipelineStageId !== before.pipelineStageId;
  if (statusChanged) after.lastStatusChangeAt = stamp;
  if (stageChanged) after.lastStageChangeAt = stamp;
  keep(world, location, after);
  emitOpportunity(world, 'OpportunityUpdate', after);
  if (statusChanged) emitOpportunity(world, 'OpportunityStatusUpdate', after);
  if (stageChanged) emitOpportunity(world, 'OpportunityStageUpdate', after);
  if (after.monetaryValue !== before.monetaryValue) emitOpportunity(world, 'OpportunityMonetaryValueUpdate', after);
  if (after.assignedTo !== before.assignedTo) emitOpportunity(world, 'OpportunityAssignedToUpdate', after);
  return after;
}

export function deleteOpportunity(world: World, location: SimulatedLocation, opportunity: StoredOpportunity): void {
  world.opportunities.delete(opportunity.id);
  world.opportunitiesOfContact.get(opportunity.contactId)?.delete(opportunity.id);
  location.opportunityIndex.put(opportunity.id, undefined);
  emitOpportunity(world, 'OpportunityDelete', opportunity);
}

/** All of the loser's become the survivor's, without events. */
export function moveOpportunities(world: World, location: SimulatedLocation, fromId: string, toId: string): void {
  const ids = [...(world.opportunitiesOfContact.get(fromId) ?? [])];
  world.opportunitiesOfContact.delete(fromId);
  for (const id of ids) keep(world, location, { ...world.opportunities.get(id)!, contactId: toId });
}
