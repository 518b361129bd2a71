// What GHL shows is ours to say for one-way fields, and a day stays that day (SPEC §2.4); a tag that was taken off comes
// back with a newer statement (SPEC §2.6).
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { movableClock } from '../helpers/movableClock.ts';
import { delivery } from '../helpers/story.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';

const MINUTE = 60_000;
let t: TestApp;
let clock: ReturnType<typeof movableClock>;
beforeEach(async () => {
  clock = movableClock();
  const now = () => clock.nowMs();
  t = await startTestApp({ overrides: { clock }, ghl: { now }, stickyCards: { now } });
});
afterEach(() => t.stop());

const soon = () => new Date(clock.nowMs()).toISOString();

test.each([true, false])(
  'a one-way field that was edited right after our write is put back by the next one (told by webhook: %s)',
  async (told) => {
    if (!told) t.ghl.setWebhookUrl(undefined);
    await t.deliver(delivery('CardInstalledEvent', 1));
    await t.run();
    const customFields = { card_id: 'hacked', stickycards_customer_id: 'other' };
    t.ghl.ui.updateContact(onlyContact(t).id, { customFields });
    await t.ghl.flushWebhooks();
    await t.deliver(delivery('CardScannedEvent', 1, { timestamp: soon() }));
    await t.run();
    expect(onlyContact(t).customFields).toMatchObject({ card_id: 'card_1', stickycards_customer_id: 'cus_1' });
    const puts = t.ghl.callCount({ method: 'PUT' });
    clock.ahead(10 * MINUTE);
    await t.run();
    expect(t.ghl.callCount({ method: 'PUT' })).toBe(puts);
  },
);

test('a tag that was taken off comes back with a Linked event that is newer, however late the run', async () => {
  await t.deliver(delivery('CustomerSegmentLinkedEvent', 1, { segment: 'Gold', timestamp: soon() }));
  await t.run();
  expect(onlyContact(t).tags).toContain('gold');
  clock.ahead(10 * MINUTE);
  t.ghl.ui.removeTags(onlyContact(t).id, ['gold']);
  await t.ghl.flushWebhooks();
  clock.ahead(2 * MINUTE);
  await t.deliver(delivery('CustomerSegmentLinkedEvent', 1, { segment: 'Gold', timestamp: soon() }));
  clock.ahead(2 * MINUTE);
  await t.run();
  expect(onlyContact(t).tags).toContain('gold');
});

test('a tag that was taken off after the last Linked event stays off', async () => {
  await t.deliver(delivery('CustomerSegmentLinkedEvent', 1, { segment: 'Gold', timestamp: soon() }));
  await t.run();
  clock.ahead(10 * MINUTE);
  await t.deliver(delivery('CustomerSegmentLinkedEvent', 1, { segment: 'Gold', timestamp: soon() }));
  clock.ahead(2 * MINUTE);
  t.ghl.ui.removeTags(onlyContact(t).id, ['gold']);
  await t.ghl.flushWebhooks();
  clock.ahead(2 * MINUTE);
  await t.run();
  expect(onlyContact(t).tags).not.toContain('gold');
});

test('an install date without a time is shown as that day, west and east of Greenwich', async () => {
  await t.deliver(delivery('CardInstalledEvent', 1, { card: { id: 'card_1', installed_date: '2026-03-20' } }));
  await t.run();
  expect(onlyContact(t).customFields).toMatchObject({ card_installed_date: '2026-03-20' });
});
