import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../src/paths.ts';
import type { StickyCardsSimulator } from '../../src/simulators/stickycards/index.ts';

const folder = join(projectRoot, 'test', 'fixtures', 'stickycards');

/** The payload of an event as it would arrive, flat or native. */
export const stickyCardsFixture = (event: string, envelope: 'flat' | 'native'): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, `${event}${envelope === 'native' ? '.native' : ''}.json`), 'utf8')) as Record<
    string,
    unknown
  >;

/** One person's story in which each of the 14 events happens once: what the fixtures were taken from. */
export function playEveryEvent(sim: StickyCardsSimulator, startedAtMs: number): void {
  const at = (minute: number) => sim.tillAt(startedAtMs + minute * 60_000);
  const customerId = '3f6c1d8e-5b7a-7c21-9d40-2a86e0b94f15';
  const cardId = '482913-705-164';
  at(0).createCustomer({
    customerId,
    firstName: 'Ada',
    lastName: 'Miller',
    email: 'ada.miller@example.com',
    phone: '+12125550142',
  });
  at(1).issueCard(customerId, { cardId });
  at(2).installCard(cardId);
  at(30).scan(cardId);
  at(31).addPoints(cardId, 120, 'Welcome bonus');
  at(32).pay(customerId, { amount: 12.5, currency: 'USD', cardId, paymentId: 'pay_7d1f9a02' });
  at(60).refer(customerId);
  at(61).linkSegment(customerId, 'VIP');
  at(90).feedback(customerId, { rating: 2, comment: 'Waited twenty minutes at the counter.' });
  at(120).refund('pay_7d1f9a02');
  at(150).payFailed(customerId, { amount: 24, currency: 'USD', cardId, paymentId: 'pay_52c80be3' });
  at(180).recurrentFailed(customerId, { amount: 9.9, currency: 'USD', cardId, paymentId: 'pay_0b6e4417' });
  at(240).expireCard(cardId);
  at(300).removeCard(cardId);
}
