import { randomInt, randomUUID } from 'node:crypto';
import { ApiRefusal, notFound } from './refusal.ts';
import type {
  Happening,
  SimulatedCard,
  SimulatedCustomer,
  SimulatedPayment,
  SimulatedPush,
  StickyCardsSimulatorOptions,
  TemplateOptions,
} from './types.ts';

/** Everything that the simulator knows. The API, the till and the control API all work on one of these. */
export interface World {
  readonly options: StickyCardsSimulatorOptions;
  readonly templates: readonly TemplateOptions[];
  readonly customers: Map<string, SimulatedCustomer>;
  readonly cards: Map<string, SimulatedCard>;
  readonly payments: Map<string, SimulatedPayment>;
  readonly pushes: SimulatedPush[];
  /** Customer ids by phone digits and by lower-case e-mail: each belongs to one customer. */
  readonly byPhone: Map<string, string>;
  readonly byEmail: Map<string, string>;
  readonly cardsOf: Map<string, string[]>;
  now(): number;
  /** Tells the webhooks. Records are copied: the delivery shows them as they are now, however late it leaves. */
  tell(happening: Omit<Happening, 'atMs'>, atMs: number): void;
}

const DEFAULT_TEMPLATES: readonly TemplateOptions[] = [
  { id: '1001', name: 'Coffee points', cardType: 'reward' },
  { id: '1002', name: 'Ten coffees', cardType: 'stamp' },
];

export function createWorld(
  options: StickyCardsSimulatorOptions,
  now: () => number,
  emit: (happening: Happening) => void,
): World {
  return {
    options,
    templates: options.templates ?? DEFAULT_TEMPLATES,
    customers: new Map(),
    cards: new Map(),
    payments: new Map(),
    pushes: [],
    byPhone: new Map(),
    byEmail: new Map(),
    cardsOf: new Map(),
    now,
    tell: (happening, atMs) =>
      emit(structuredClone({ ...happening, atMs: Math.trunc(atMs + (options.clockSkewMs ?? 0)) })),
  };
}

export const newCustomerId = (): string => randomUUID();
/** As the platform's serial numbers, `123456-789-012` (sticky-cards.md §3). */
export function newCardId(world: World): string {
  const part = (digits: number): string => String(randomInt(10 ** digits)).padStart(digits, '0');
  const id = `${part(6)}-${part(3)}-${part(3)}`;
  return world.cards.has(id) ? newCardId(world) : id;
}

export function customerOf(world: World, customerId: string): SimulatedCustomer {
  const customer = world.customers.get(customerId);
  if (!customer) throw notFound('Customer');
  return customer;
}

export function cardOf(world: World, cardId: string): SimulatedCard {
  const card = world.cards.get(cardId);
  if (!card) throw notFound('Card');
  return card;
}

export const cardsOfCustomer = (world: World, customerId: string): SimulatedCard[] =>
  (world.cardsOf.get(customerId) ?? []).map((id) => cardOf(world, id));

export function templateOf(world: World, templateId: string | undefined): TemplateOptions {
  const template = templateId === undefined ? world.templates[0] : world.templates.find(({ id }) => id === templateId);
  if (!template) throw new ApiRefusal(422, 'invalid', ['template_id must be the id of a template']);
  return template;
}
