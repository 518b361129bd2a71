import { afterEach, describe, expect, test } from '@jest/globals';
import { listCommands } from '../../src/store/commands.ts';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { LOCATION, onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

let t: TestApp;
afterEach(() => t.stop());

const story = [
  delivery('CustomerCreatedEvent', 0),
  delivery('FeedbackCreatedEvent', 7, { rating: 2, comment: 'Slow today' }),
  delivery('PaymentCompletedSuccessfulEvent', 8, { amount: 12.5, currency: 'USD', payment_id: 'pay_1' }),
  delivery('PaymentCompletedFailedEvent', 9, { amount: 3, currency: 'USD', payment_id: 'pay_2' }),
  delivery('PaymentRefundedEvent', 10, { amount: 12.5, currency: 'USD', payment_id: 'pay_1' }),
  delivery('RecurrentPaymentCompletedFailedEvent', 11),
];

const seen = () => {
  const { id } = onlyContact(t);
  const firstLine = (text: string) => text.split('\n')[0] ?? '';
  return {
    notes: t.ghl.state
      .notes(id)
      .map(({ body }) => firstLine(body))
      .toSorted(),
    tasks: t.ghl.state
      .tasks(id)
      .map(({ title }) => title)
      .toSorted(),
    opportunities: t.ghl.state.opportunities(LOCATION).map(({ status, monetaryValue }) => `${status} ${monetaryValue}`),
  };
};

const pipeline = {
  env: { GHL_PIPELINE_ID: 'PIPE1', GHL_PIPELINE_STAGE_ID: 'STAGE1' },
  location: { pipelines: [{ id: 'PIPE1', name: 'Sales', stages: [{ id: 'STAGE1', name: 'Paid' }] }] },
};

const expected = {
  notes: ['Feedback: ★★☆☆☆ (2 of 5)', 'Payment of 3.00 USD failed', 'Refund of 12.50 USD'],
  tasks: [
    'Follow up: payment of 3.00 USD failed',
    'Follow up: unhappy customer, ★★☆☆☆ (2 of 5)',
    'Subscription payment failed',
  ],
  opportunities: ['lost 12.5'],
};

test('a day of feedback and payments becomes notes, tasks and an opportunity, however often it is told', async () => {
  t = await startTestApp(pipeline);
  for (const each of [...story, ...story.toReversed()]) await t.deliver(each);
  await t.run();
  // What waited for the contact that the first run made.
  await t.run();
  expect(seen()).toEqual(expected);
  for (const each of story) await t.deliver(each);
  await t.run();
  expect(seen()).toEqual(expected);
  expect(t.ghl.journal.filter((x) => x.method === 'POST' && /notes|tasks|opportunities\/?$/.test(x.path))).toHaveLength(
    7,
  );
});

test('with lost answers and restarts in between, still each of them once', async () => {
  const clock = movableClock();
  t = await startTestApp({ ...pipeline, overrides: { clock }, ghl: { now: () => clock.nowMs() } });
  for (const each of story) await t.deliver(each);
  t.ghl.faults.add({ kind: 'reset_after', method: 'POST', path: /notes$|tasks$|opportunities/, every: 2 });
  for (let round = 0; round < 8; round++) {
    await t.run();
    clock.ahead(3 * 60_000);
    if (round % 2 === 0) await t.restart();
  }
  expect(seen()).toEqual(expected);
  const states = (await listCommands(t.app.store, { connection: 'default' }, 50)).map((row) => row.state);
  expect(new Set(states)).toEqual(new Set(['applied']));
});

test('without a pipeline a payment is a note', async () => {
  t = await startTestApp();
  for (const each of story) await t.deliver(each);
  await t.run();
  await t.run();
  expect(seen()).toEqual({
    ...expected,
    notes: [...expected.notes, 'Payment of 12.50 USD received'].toSorted(),
    opportunities: [],
  });
});

describe('a refund in full of a payment that is an opportunity', () => {
  const paid = delivery('PaymentCompletedSuccessfulEvent', 8, { amount: 12.5, currency: 'USD', payment_id: 'pay_1' });
  const refund = (rest: Record<string, unknown>) =>
    delivery('PaymentRefundedEvent', 10, { currency: 'USD', payment_id: 'pay_1', ...rest });

  test('makes it lost although the pipeline was taken out of the settings since', async () => {
    t = await startTestApp(pipeline);
    await t.deliver(paid);
    await t.run();
    await t.run();
    await fetch(`${t.url}/api/connections/default`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer admin-7f3b9d2e5c' },
      body: JSON.stringify({ pipelineId: null, stageId: null }),
    });
    expect(t.app.registry.get('default')?.ghl.pipelineId).toBeNull();
    await t.deliver(refund({ amount: 12.5 }));
    await t.run();
    expect(seen().opportunities).toEqual(['lost 12.5']);
  });

  test('makes it lost by two equal parts that are told of one second', async () => {
    t = await startTestApp(pipeline);
    await t.deliver(paid);
    await t.deliver(refund({ amount: 6.25, event_id: 'ref_1' }));
    await t.run();
    await t.run();
    expect(seen().opportunities).toEqual(['won 12.5']);
    // The same refund once more is none.
    expect((await t.deliver(refund({ amount: 6.25, event_id: 'ref_1' }))).status).toBe(200);
    await t.run();
    expect(seen().opportunities).toEqual(['won 12.5']);
    await t.deliver(refund({ amount: 6.25, event_id: 'ref_2' }));
    await t.run();
    expect(seen()).toMatchObject({ notes: ['Refund of 6.25 USD', 'Refund of 6.25 USD'], opportunities: ['lost 12.5'] });
  });

  test('makes it lost when no amount is named, and the note says what was taken for it', async () => {
    t = await startTestApp(pipeline);
    await t.deliver(paid);
    await t.deliver(refund({}));
    await t.run();
    await t.run();
    expect(seen()).toMatchObject({
      notes: ['Payment refunded in full (no amount was named)'],
      opportunities: ['lost 12.5'],
    });
  });

  test('the ledger says why there was nothing to do', async () => {
    t = await startTestApp(pipeline);
    await t.deliver(paid);
    await t.deliver(refund({ amount: 5 }));
    await t.run();
    await t.run();
    const { body } = await t.api('/commands?kind=opportunity_lost');
    expect(body).toMatchObject({ items: [{ state: 'applied', result: { nothing: 'not refunded in full' } }] });
  });
});
