import type { CustomerChange } from './changes.ts';
import type { Faults } from './faults.ts';
import type { Till } from './till.ts';
import type {
  CallFilter,
  Exchange,
  SimulatedCard,
  SimulatedCustomer,
  SimulatedPayment,
  SimulatedPush,
} from './types.ts';
import type { Webhooks } from './webhooks.ts';

/** What the simulated account holds now. Everything is a copy. */
export interface SimulatedState {
  customers(): SimulatedCustomer[];
  customer(customerId: string): SimulatedCustomer | undefined;
  cards(customerId?: string): SimulatedCard[];
  card(cardId: string): SimulatedCard | undefined;
  payments(): SimulatedPayment[];
  /** Every push that was sent, in order. */
  pushes(): SimulatedPush[];
}

/** For bulk seeding, silently. */
export interface SeedCustomer extends CustomerChange {
  customerId?: string;
  segments?: string[];
  optIn?: boolean;
  cards?: {
    cardId?: string;
    templateId?: string;
    balance?: number;
    install?: SimulatedCard['install'];
    status?: string;
  }[];
}

export interface StickyCardsSimulator {
  /** Base URL of the API, known after `start`. */
  readonly url: string;
  readonly journal: Exchange[];
  /** The simulator's clock, ms, without its skew. */
  now(): number;
  readonly state: SimulatedState;
  readonly till: Till;
  readonly faults: Pick<Faults, 'add' | 'clear' | 'list'>;
  readonly webhooks: Pick<Webhooks, 'attempts' | 'pending' | 'setOptions' | 'holdNext' | 'repeatLast'>;
  /** A till whose changes happen at that time (ms), whatever the clock says. */
  tillAt(atMs: number): Till;
  start(port?: number): Promise<string>;
  stop(): Promise<void>;
  flushWebhooks(options?: { dueOnly?: boolean }): Promise<void>;
  setWebhookUrl(url: string | undefined): void;
  /** Answers the customers; their cards by `state.cards(id)`. */
  seed(customers: readonly SeedCustomer[]): SimulatedCustomer[];
  callCount(filter?: CallFilter): number;
}
