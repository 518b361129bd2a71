import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { ACTION_RESULTS, REASONS } from '../domain/actionAnswer.ts';
import { ACTION_PARAMETERS, type ActionName, ACTIONS } from '../domain/actionCall.ts';

export const ACTIONS_PATH = '/actions';
export const OPENAPI_PATH = `${ACTIONS_PATH}/openapi.json`;

/** What each action is for, and parameters to paste. */
const ABOUT: Readonly<Record<ActionName, { summary: string; example: Record<string, unknown> }>> = {
  push: {
    summary: 'Sends a push to the customer. Never to somebody who opted out, or whose consent cannot be read just now.',
    example: { message: 'Your table is ready, {{contact.first_name}}', title: 'See you soon' },
  },
  'issue-card': {
    summary: 'Issues a card; a customer who has a valid one of that template keeps it (card_exists).',
    example: { template_id: '' },
  },
  'add-points': {
    summary:
      "Adds points to the customer's card, once. More than the pointsLimit of the connection (1,000 unless set) wait for a person.",
    example: { points: 50 },
  },
  'card-status': { summary: 'Sets the status of the card that the contact shows.', example: { status: 'suspended' } },
  segments: {
    summary:
      'Puts the customer into segments and takes them out of others; the rest stays. Our own tags are no segments.',
    example: { add: ['VIP'], remove: ['New'] },
  },
  preferences: {
    summary: 'Tells Sticky Cards whether the customer agrees to messages. Nobody is opted in while GHL says otherwise.',
    example: { opt_in: true },
  },
  'sync-contact': { summary: 'Reads both sides anew and brings them together.', example: {} },
};

const addressing = z.object({
  contact_id: z.string().optional().describe('The contact; without it phone or email is looked up in GHL.'),
  phone: z.string().optional(),
  email: z.string().optional(),
  location_id: z.string().optional().describe('The location, where the address does not name the connection.'),
  workflow_id: z.string().optional(),
  idempotency_key: z
    .string()
    .optional()
    .describe('The same key and parameters: the same answer again, and nothing happens twice. Also as a header.'),
});

const answer = z
  .object({
    result: z.enum(ACTION_RESULTS),
    reason_code: z.string().describe(`ok, or why: ${Object.keys(REASONS).join(', ')}, or a code of the record.`),
    message: z.string(),
    receiptId: z.string().describe('The row of the inbox.'),
    action: z.enum(ACTIONS),
    contact_id: z.string().optional(),
    customer_id: z.string().optional(),
    command_id: z.string().optional(),
    card_id: z.string().optional(),
    push_id: z.string().optional(),
    balance_after: z.number().optional(),
    status: z.string().optional(),
    segments: z.array(z.string()).optional(),
    opt_in: z.boolean().optional(),
    tag: z.string().optional().describe('The name that is no segment.'),
  })
  .describe('What a workflow can branch on.');

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  field: z.string().optional().describe('The parameter that it is about.'),
});

const refused = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problem } },
});

/** The JSON to paste into GHL's "Custom Webhook" action. */
export const actionExample = (action: ActionName): Record<string, unknown> => ({
  contact_id: '{{contact.id}}',
  location_id: '{{location.id}}',
  ...ABOUT[action].example,
});

/** Adds the calls of the actions to a description. */
export function registerActions(registry: OpenAPIRegistry): void {
  const key = registry.registerComponent('securitySchemes', 'workflowKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'The workflow key of the connection; also taken as X-Api-Key, as ?key= or as "key" in the body.',
  });
  for (const action of ACTIONS) {
    const schema = z.object({ ...addressing.shape, ...ACTION_PARAMETERS[action].shape });
    const example = actionExample(action);
    registry.registerPath({
      method: 'post',
      path: `${ACTIONS_PATH}/${action}`,
      summary: ABOUT[action].summary,
      description: `Also as ${ACTIONS_PATH}/{connection}/${action}. Parameters may stand under customData; text is read as what it says ("50", "true", "a, b").`,
      tags: ['actions'],
      security: [{ [key.name]: [] }],
      request: {
        headers: z.object({ 'Idempotency-Key': z.string().optional() }),
        body: {
          content: {
            'application/json': { schema, example },
            'application/x-www-form-urlencoded': { schema },
          },
        },
      },
      responses: {
        200: {
          description: 'It was carried out, will be, or was rejected: `result` says which.',
          content: { 'application/json': { schema: answer } },
        },
        400: refused('A parameter is missing or cannot be used; `field` names it.'),
        401: refused('The secret is missing or wrong, or belongs to another location.'),
        404: refused('There is no such connection or action.'),
        409: refused('The idempotency key came with other parameters before.'),
        429: refused('Too many failed calls from this address, or the call could not be stored: send it again.'),
      },
    });
  }
}

/** The description of the actions alone, served at /actions/openapi.json. */
export function actionsOpenApi(): object {
  const registry = new OpenAPIRegistry();
  registerActions(registry);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: 'Actions that GHL workflows call', version: '1' },
  });
}
