import { anything, checkedBody, flag, number, oneOf, text, textList, type Shape } from './bodyRules.ts';
import { created, locationOf, missing, ok, type Answer, type Call, type Endpoint } from './endpoint.ts';
import { badRequest, unprocessable } from './refusals.ts';
import { newGhlId, type SimulatedLocation } from './world.ts';
import type { SimulatedCustomField } from './types.ts';

const read = ['locations/customFields.readonly'];
const write = ['locations/customFields.write'];

/** ghl.md §6, from openapi custom-fields.json ("MONETORY" is theirs). */
const dataTypes = [
  'TEXT',
  'LARGE_TEXT',
  'NUMERICAL',
  'PHONE',
  'MONETORY',
  'CHECKBOX',
  'SINGLE_OPTIONS',
  'MULTIPLE_OPTIONS',
  'DATE',
  'TEXTBOX_LIST',
  'FILE_UPLOAD',
  'RADIO',
];

/** No dataType: it cannot be changed (ghl.md §6). No fieldKey and no options either: they are not in the DTO. */
const updateShape: Shape = {
  name: text,
  placeholder: text,
  acceptedFormat: textList,
  isMultipleFile: flag,
  maxNumberOfFiles: number,
  textBoxListOptions: anything,
  position: number,
  model: oneOf('contact', 'opportunity'),
};
const createShape: Shape = { ...updateShape, dataType: oneOf(...dataTypes) };

const snakeCase = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');

export interface NewCustomField {
  name: string;
  dataType: string;
  model?: 'contact' | 'opportunity';
  placeholder?: string;
  position?: number;
  picklistOptions?: string[];
}

/** Used by the API and by the UI; a name or key that is taken is refused. */
export function addCustomField(location: SimulatedLocation, given: NewCustomField): SimulatedCustomField {
  const model = given.model ?? 'contact';
  const fieldKey = `${model}.${snakeCase(given.name)}`;
  const taken = [...location.customFields.values()].some((field) => field.fieldKey === fieldKey);
  if (taken) throw badRequest(`Custom field with name ${given.name} already exists`);
  const field: SimulatedCustomField = {
    id: newGhlId(),
    name: given.name.trim(),
    fieldKey,
    dataType: given.dataType,
    model,
    placeholder: given.placeholder ?? '',
    position: given.position ?? 0,
    picklistOptions: given.picklistOptions ?? [],
    locationId: location.options.id,
  };
  location.customFields.set(field.id, field);
  return field;
}

function fieldOf(call: Call) {
  const location = locationOf(call, call.params.locationId);
  const field = location.customFields.get(call.params.id ?? '');
  if (!field) throw missing('Custom field', call.params.id ?? '');
  return { location, field };
}

function list(call: Call): Answer {
  const location = locationOf(call, call.params.locationId);
  const model = call.query.model ?? 'contact';
  if (!['contact', 'opportunity', 'all'].includes(model)) {
    throw unprocessable(['model must be one of the following values: contact, opportunity, all']);
  }
  const fields = [...location.customFields.values()];
  return ok({ customFields: fields.filter((field) => model === 'all' || field.model === model) });
}

function create(call: Call): Answer {
  const location = locationOf(call, call.params.locationId);
  const body = checkedBody(call.body, createShape, ['name', 'dataType']);
  if (snakeCase(body.name as string) === '') throw unprocessable(['name should not be empty']);
  return created({ customField: addCustomField(location, body as unknown as NewCustomField) });
}

/** A new name changes the label; the key stays as it was given. */
function update(call: Call): Answer {
  const { location, field } = fieldOf(call);
  const body = checkedBody(call.body, updateShape, ['name']);
  const updated: SimulatedCustomField = {
    ...field,
    name: (body.name as string).trim(),
    placeholder: (body.placeholder as string | undefined) ?? field.placeholder,
    position: (body.position as number | undefined) ?? field.position,
  };
  location.customFields.set(field.id, updated);
  return ok({ customField: updated });
}

function remove(call: Call): Answer {
  const { location, field } = fieldOf(call);
  location.customFields.delete(field.id);
  return ok({ succeded: true });
}

const one = '/locations/:locationId/customFields/:id';

export const customFieldEndpoints: Endpoint[] = [
  { method: 'get', path: '/locations/:locationId/customFields', scopes: read, handle: list },
  { method: 'post', path: '/locations/:locationId/customFields', scopes: write, handle: create },
  { method: 'get', path: one, scopes: read, handle: (call) => ok({ customField: fieldOf(call).field }) },
  { method: 'put', path: one, scopes: write, handle: update },
  { method: 'delete', path: one, scopes: write, handle: remove },
];
