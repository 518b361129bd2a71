import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addCard, addCustomer } from './changes.ts';
import { createControl } from './control.ts';
import { createFaults } from './faults.ts';
import { createJournal } from './journal.ts';
import { createRateLimit } from './rateLimit.ts';
import { createServerApp } from './server.ts';
import type { SeedCustomer, SimulatedState, StickyCardsSimulator } from './simulator.ts';
import { createTill } from './till.ts';
import { createWebhooks } from './webhooks.ts';
import { cardsOfCustomer, createWorld, type World } from './world.ts';
import type { SimulatedCustomer, StickyCardsSimulatorOptions } from './types.ts';

export type * from './simulator.ts';
export type * from './types.ts';
export type { Charge, Till } from './till.ts';
export type { Faults } from './faults.ts';
export type { Webhooks } from './webhooks.ts';

function stateOf(world: World): SimulatedState {
  return {
    customers: () => structuredClone([...world.customers.values()]),
    customer: (customerId) => structuredClone(world.customers.get(customerId)),
    cards: (customerId) =>
      structuredClone(customerId === undefined ? [...world.cards.values()] : cardsOfCustomer(world, customerId)),
    card: (cardId) => structuredClone(world.cards.get(cardId)),
    payments: () => structuredClone([...world.payments.values()]),
    pushes: () => structuredClone(world.pushes),
  };
}

function seedOne(world: World, seed: SeedCustomer, atMs: number): SimulatedCustomer {
  const { customerId, segments = [], optIn = true, cards = [], ...person } = seed;
  const customer = addCustomer(world, person, atMs, customerId);
  Object.assign(customer, { segments: [...segments], optIn });
  for (const { install = 'issued', status = install, ...options } of cards) {
    const card = addCard(world, customer.customerId, options, atMs);
    Object.assign(card, { install, status, installedAtMs: install === 'issued' ? null : atMs });
  }
  return structuredClone(customer);
}

/** The Sticky Cards account of the `report` dialect (SPEC §4): over real HTTP, with state, signed webhooks, faults on request. */
export function createStickyCardsSimulator(options: StickyCardsSimulatorOptions): StickyCardsSimulator {
  const now = options.now ?? Date.now;
  const host = options.host ?? '127.0.0.1';
  const webhooks = createWebhooks(options, now);
  const world = createWorld(options, now, (happening) => webhooks.emit(happening));
  const journal = createJournal(options.journal === true);
  const faults = createFaults();
  const parts = { world, faults, journal, takeFromLimit: createRateLimit(options.rateLimit, now) };
  const till = createTill(world, now);
  let server: Server | undefined;
  let url = '';

  const simulator: StickyCardsSimulator = {
    get url() {
      return url;
    },
    journal: journal.exchanges,
    now,
    state: stateOf(world),
    till,
    faults,
    webhooks,
    tillAt: (atMs) => createTill(world, () => atMs),
    async start(port = 0) {
      const started = createServer(app);
      await new Promise<void>((resolve, reject) => {
        started.once('error', reject);
        started.listen(port, host, resolve);
      });
      server = started;
      url = `http://${host}:${(started.address() as AddressInfo).port}`;
      return url;
    },
    async stop() {
      webhooks.stop();
      const stopping = server;
      server = undefined;
      if (!stopping) return;
      await new Promise<void>((resolve) => {
        stopping.close(() => resolve());
        stopping.closeAllConnections();
      });
    },
    flushWebhooks: (flush) => webhooks.flush(flush),
    setWebhookUrl: (next) => webhooks.setUrl(next),
    seed: (customers) => customers.map((each) => seedOne(world, each, now())),
    callCount: (filter) => journal.count(filter),
  };
  const app = createServerApp(parts, createControl(parts, simulator));
  return simulator;
}
