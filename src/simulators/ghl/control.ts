import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import { findContact } from './contactStore.ts';
import { simulatedContact } from './contactViews.ts';
import { controlPage } from './controlPage.ts';
import { contactNotFound, Refusal } from './refusals.ts';
import type { Parts } from './server.ts';
import { locationNamed, type Ui } from './ui.ts';
import type { ContactEdit, Fault, SimulatedContact } from './types.ts';

const shownByDefault = 200;

const text = z.string().nullable();
const editShape = z.strictObject({
  locationId: z.string().optional(),
  firstName: text.optional(),
  lastName: text.optional(),
  name: text.optional(),
  email: text.optional(),
  phone: text.optional(),
  address1: text.optional(),
  city: text.optional(),
  state: text.optional(),
  postalCode: text.optional(),
  country: text.optional(),
  companyName: text.optional(),
  source: text.optional(),
  dateOfBirth: text.optional(),
  /** The whole list; `addTags` and `removeTags` change it. */
  tags: z.array(z.string()).optional(),
  addTags: z.array(z.string()).optional(),
  removeTags: z.array(z.string()).optional(),
  dnd: z.boolean().optional(),
  customFields: z.record(z.string(), z.unknown()).optional(),
});

const faultShape = z.strictObject({
  kind: z.enum(['status', 'delay', 'reset_before', 'reset_after', 'timeout', 'timeout_after', 'html']),
  method: z.string().optional(),
  /** Prefix of the path. */
  path: z.string().optional(),
  /** The path as a regular expression. */
  pattern: z.string().optional(),
  times: z.int().positive().optional(),
  every: z.int().positive().optional(),
  status: z.int().min(100).max(599).optional(),
  body: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  delayMs: z.int().min(0).max(600_000).optional(),
});

const webhooksShape = z.strictObject({
  /** `null` switches them off. */
  url: z.url().nullable().optional(),
  lagMs: z.int().min(0).optional(),
  duplicateRate: z.number().min(0).max(1).optional(),
  lostRate: z.number().min(0).max(1).optional(),
  shuffle: z.boolean().optional(),
  retry: z.boolean().optional(),
});

/** Under `/__sim`: for operators at a terminal, and for tests of another process. Never on the rate limit. */
export function createControl(parts: Parts, ui: Ui): Router {
  const { world, faults, journal } = parts;
  const router = express.Router();
  router.use(express.json({ limit: '2mb' }));
  const pretty = (response: Response, body: unknown, status = 200): void =>
    void response
      .status(status)
      .type('json')
      .send(`${JSON.stringify(body, null, 2)}\n`);

  /** The location asked for, else the only one or the first. */
  const locationIdOf = (given: unknown): string =>
    locationNamed(world, typeof given === 'string' ? given : ([...world.locations.keys()][0] ?? '')).options.id;

  function found(query: Request['query']): { contacts: SimulatedContact[]; total: number } {
    const wanted =
      typeof query.locationId === 'string' ? [locationNamed(world, query.locationId)] : world.locations.values();
    const q = typeof query.q === 'string' ? query.q.toLowerCase() : '';
    const all = [...wanted]
      .flatMap((location) => [...location.contacts.values()])
      .filter(
        (contact) => q === '' || JSON.stringify([contact.id, contact.fields, contact.tags]).toLowerCase().includes(q),
      )
      .toSorted((a, b) => b.dateUpdatedMs - a.dateUpdatedMs);
    const limit = Number(query.limit) || shownByDefault;
    return { contacts: all.slice(0, limit).map((contact) => simulatedContact(world, contact)), total: all.length };
  }

  router.get('/', (request, response) => {
    const { contacts, total } = found(request.query);
    response.type('html').send(controlPage(contacts, total));
  });
  router.get('/locations', (_request, response) =>
    pretty(response, {
      locations: [...world.locations.values()].map(
        ({ options: { tokens: _tokens, ...options }, contacts, customFields }) => ({
          ...options,
          contacts: contacts.size,
          customFields: [...customFields.values()].map(({ id, fieldKey, dataType }) => ({ id, fieldKey, dataType })),
        }),
      ),
    }),
  );

  router.get('/contacts', (request, response) => pretty(response, found(request.query)));
  router.post('/contacts', (request, response) => {
    const { locationId, addTags, removeTags: _none, ...edit } = editShape.parse(request.body);
    const tags = [...(edit.tags ?? []), ...(addTags ?? [])];
    pretty(response, ui.createContact(locationIdOf(locationId), { ...edit, tags } as ContactEdit), 201);
  });
  router.get('/contacts/:id', (request, response) => {
    const contact = findContact(world, request.params.id);
    if (!contact) throw contactNotFound(request.params.id);
    pretty(response, {
      ...simulatedContact(world, contact),
      notes: world.notes.get(contact.id) ?? [],
      tasks: world.tasks.get(contact.id) ?? [],
      opportunities: [...world.opportunities.values()].filter((each) => each.contactId === contact.id),
    });
  });
  router.patch('/contacts/:id', (request, response) => {
    const { id } = request.params;
    const { locationId: _none, addTags, removeTags, ...edit } = editShape.parse(request.body);
    if (Object.keys(edit).length > 0) ui.updateContact(id, edit as ContactEdit);
    if (addTags) ui.addTags(id, addTags);
    if (removeTags) ui.removeTags(id, removeTags);
    pretty(response, simulatedContact(world, findContact(world, id)!));
  });
  router.delete('/contacts/:id', (request, response) => {
    ui.deleteContact(request.params.id);
    pretty(response, { deleted: request.params.id });
  });
  router.post('/contacts/:id/merge', (request, response) => {
    const { loserId } = z.strictObject({ loserId: z.string() }).parse(request.body);
    pretty(response, ui.mergeContacts(request.params.id, loserId));
  });

  const listed = () => ({ faults: faults.list().map((fault) => ({ ...fault, path: fault.path?.toString() })) });
  router.get('/faults', (_request, response) => pretty(response, listed()));
  router.post('/faults', (request, response) => {
    const { pattern, ...fault } = faultShape.parse(request.body);
    faults.add({ ...fault, ...(pattern === undefined ? {} : { path: new RegExp(pattern) }) } as Fault);
    pretty(response, listed(), 201);
  });
  router.delete('/faults', (_request, response) => {
    faults.clear();
    pretty(response, listed());
  });

  router.get('/requests', (request, response) => {
    const limit = Number(request.query.limit) || 50;
    pretty(response, {
      total: journal.count(),
      requests: journal.exchanges
        .slice(-limit)
        .toReversed()
        .map(({ headers: _headers, responseHeaders: _more, atMs, ...rest }) => ({ at: new Date(atMs), ...rest })),
    });
  });

  const webhooks = () => ({
    on: world.webhooks.wanted(),
    publicKeyPem: world.webhooks.publicKeyPem,
    pending: world.webhooks.pending(),
    attempts: world.webhooks.attempts.slice(-50).toReversed(),
  });
  router.get('/webhooks', (_request, response) => pretty(response, webhooks()));
  router.put('/webhooks', (request, response) => {
    const { url, ...options } = webhooksShape.parse(request.body);
    if (url !== undefined) world.webhooks.setUrl(url ?? undefined);
    world.webhooks.setOptions(options as Parameters<typeof world.webhooks.setOptions>[0]);
    pretty(response, webhooks());
  });
  router.post('/webhooks/flush', async (_request, response) => {
    await world.webhooks.flush();
    pretty(response, webhooks());
  });

  router.use((_request: Request, response: Response) =>
    pretty(response, { message: 'Nothing here; see /__sim/' }, 404),
  );
  router.use((error: Error & { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    if (error instanceof Refusal) pretty(response, error.body, error.status);
    else if (error instanceof z.ZodError) pretty(response, { message: z.prettifyError(error) }, 422);
    else pretty(response, { message: error.message }, error.status ?? 500);
  });
  return router;
}
