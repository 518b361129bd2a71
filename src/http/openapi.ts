import { extendZodWithOpenApi, OpenApiGeneratorV31, OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { InputRules } from './api/connectionInput.ts';
import { registerActions } from './actionsOpenApi.ts';
import { calls } from './contract/calls.ts';
import { connectionCalls } from './contract/connections.ts';
import { type Answer, type Operation, problem } from './contract/operation.ts';

extendZodWithOpenApi(z);

const ABOUT = `Everything that an operator can do, for programs. Lists answer {items, nextCursor} and take limit and cursor; times are ISO 8601 in UTC; refusals are application/problem+json and name the field. A parameter that is not known is refused, never passed over.`;

const TAGS = ['Overview', 'Runs', 'Inbox', 'Customers', 'Commands', 'Problems', 'Connections', 'Service', 'actions'];

/**
 * The OpenAPI 3.1 document of all that this service answers to programs; made from the schemas that the routes check with.
 * @param rules what a connection may be given here
 */
export function openApiDocument(rules: InputRules): ReturnType<OpenApiGeneratorV31['generateDocument']> {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'adminToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'ADMIN_TOKEN of the service.',
  });
  for (const call of [...calls, ...connectionCalls(rules), ...service]) register(registry, call);
  registerActions(registry);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: 'Sticky Cards ↔ GoHighLevel', version: '1', description: ABOUT },
    tags: TAGS.map((name) => ({ name })),
  });
}

const health = z.strictObject({ status: z.string() });

const service: Operation[] = [
  {
    method: 'get',
    path: '/healthz',
    tag: 'Service',
    summary: 'The process runs',
    answers: { 200: { description: 'It does.', schema: health } },
  },
  {
    method: 'get',
    path: '/readyz',
    tag: 'Service',
    summary: 'It can take deliveries',
    answers: { 200: { description: 'It can.', schema: health } },
    refusals: { 503: 'It cannot; detail says why.' },
  },
  {
    method: 'get',
    path: '/metrics',
    tag: 'Service',
    summary: 'Figures for Prometheus',
    answers: { 200: { description: 'In its text format.', schema: z.string(), contentType: 'text/plain' } },
  },
];

/** Asked without a credential: whether the service is there. */
const OPEN = ['/healthz', '/readyz'];

function register(registry: OpenAPIRegistry, call: Operation): void {
  const open = OPEN.includes(call.path);
  const names = [...call.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
  const refusals = {
    ...(call.path.startsWith('/api/') && { 400: 'A parameter cannot be used; field names it.' }),
    ...(!open && { 401: 'The admin token is missing or wrong.' }),
    ...call.refusals,
  };
  registry.registerPath({
    method: call.method,
    path: call.path,
    tags: [call.tag],
    summary: call.summary,
    ...(call.description !== undefined && { description: call.description }),
    security: open ? [] : [{ adminToken: [] }],
    request: {
      ...(names.length > 0 && { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) }),
      ...(call.query && { query: call.query }),
      ...(call.body && { body: { required: false, content: { 'application/json': { schema: call.body } } } }),
    },
    responses: {
      ...Object.fromEntries(Object.entries(call.answers).map(([status, answer]) => [status, response(answer)])),
      ...Object.fromEntries(Object.entries(refusals).map(([status, description]) => [status, refusal(description)])),
    },
  });
}

const response = ({ description, schema, contentType = 'application/json', orAs }: Answer) => ({
  description,
  ...(schema && {
    content: { [contentType]: { schema }, ...(orAs !== undefined && { [orAs]: { schema: z.string() } }) },
  }),
});

const refusal = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problem } },
});

/** `GET /openapi.json`, to be put behind its authentication. */
export function openApiRouter(rules: InputRules): Router {
  const router = Router();
  let text: string | null = null;
  router.get('/openapi.json', (_req: Request, res: Response) => {
    text ??= JSON.stringify(openApiDocument(rules), null, 1);
    res.set('cache-control', 'no-cache').type('application/json').send(text);
  });
  return router;
}
