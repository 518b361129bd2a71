import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { delivery, person } from '../helpers/story.ts';
import { LOCATION, startTestApp, type TestApp } from '../helpers/testApp.ts';
import { barriers, heading, inBrowser, PASSWORD, signIn } from './browser.ts';

inBrowser('every page', (open) => {
  let t: TestApp;
  let ids: Record<'run' | 'problem' | 'command' | 'event' | 'rejected', string>;

  beforeAll(async () => {
    t = await startTestApp({ env: { ADMIN_PASSWORD: PASSWORD } });
    // Points cannot be written: somebody made the field as text.
    t.ghl.ui.addCustomField(LOCATION, { name: 'Loyalty Points', dataType: 'TEXT' });
    for (const each of [
      delivery('CustomerCreatedEvent', 0),
      delivery('CardInstalledEvent', 1),
      delivery('CardBalanceUpdatedEvent', 2, { balance: 120 }),
      delivery('FeedbackCreatedEvent', 3, { rating: 2, comment: 'Slow today' }),
      {
        event_type: 'CustomerCreatedEvent',
        timestamp: 1_770_000_000,
        customer_id: 'cus_9',
        first_name: 'No',
        last_name: 'Body',
      },
      { event_type: 'CustomerCreatedEvent', timestamp: 1_770_000_000, ...person(2) },
    ])
      await t.deliver(each);
    await t.deliverRaw('{}', { 'x-sticky-signature': 'wrong' });
    await t.run();
    await t.deliver(delivery('CardBalanceUpdatedEvent', 5, { balance: 130 }));
    await t.run();
    const first = async (path: string) => ((await t.api(path)).body['items'] as { id: string }[])[0]?.id ?? 'none';
    ids = {
      run: await first('/runs'),
      problem: await first('/problems'),
      command: await first('/commands'),
      event: await first('/events?source=stickycards&status=folded'),
      rejected: await first('/events?status=rejected'),
    };
  });
  afterAll(() => t.stop());

  test('given an address and a name, the reason for missing points and its remedy are five pages away at most', async () => {
    const page = await open();
    let loads = 0;
    page.on('load', () => (loads += 1));
    await signIn(page, t);
    await page.getByRole('searchbox', { name: 'Find a customer' }).fill('Ana Lee');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Ana Lee' }).waitFor();
    expect(await page.getByRole('row', { name: /Loyalty Points/ }).innerText()).toMatch(/130[\s\S]*no usable field/);
    const finding = page.locator('.finding', { hasText: 'A custom field in GHL has the wrong type' });
    expect(await finding.innerText()).toMatch(/What to do:.*rename or delete the field/);
    expect(loads).toBeLessThanOrEqual(5);
  });

  const PAGES: [name: string, path: () => string, title: string | RegExp][] = [
    ['overview', () => '/', 'Overview'],
    ['customers', () => '/customers', 'Customers'],
    ['excluded customers', () => '/customers?syncStatus=SKIPPED', 'Customers'],
    ['nobody found', () => '/customers?q=zzz', 'Customers'],
    ['a customer', () => '/customers/default/cus_1', 'Ana Lee'],
    ['an excluded customer', () => '/customers/default/cus_9', 'No Body'],
    ['problems', () => '/problems', 'Problems'],
    ['resolved problems', () => '/problems?state=resolved', 'Problems'],
    ['a problem', () => `/problems/${ids.problem}`, /wrong type/],
    ['commands', () => '/commands', 'Commands'],
    ['commands for people', () => '/commands?list=people', 'Commands'],
    ['a command', () => `/commands/${ids.command}`, /GHL/],
    ['runs', () => '/runs', 'Runs'],
    ['a run', () => `/runs/${ids.run}`, 'Run'],
    ['inbox', () => '/inbox', 'Inbox'],
    ['rejected', () => '/inbox?status=rejected', 'Inbox'],
    ['a delivery', () => `/inbox/${ids.event}`, /Event$/],
    ['a rejected delivery', () => `/inbox/${ids.rejected}`, '(rejected)'],
    ['connections', () => '/connections', 'Connections'],
    ['a connection', () => '/connections/default', 'default'],
    ['set-up', () => '/connections/default/setup', 'Set up default'],
    ['doctor', () => '/connections/default/doctor', 'Doctor of default'],
    ['first links', () => '/connections/default/first-link', /going live/],
    ['field map', () => '/settings', 'Field map'],
    ['audit log', () => '/audit', 'Audit log'],
    ['an unknown page', () => '/nowhere', 'Not found'],
  ];

  test.each(['light', 'dark'] as const)('signing in has no barriers, in %s', async (colorScheme) => {
    const page = await open(colorScheme);
    await page.goto(`${t.url}/login`);
    expect(await barriers(page)).toEqual([]);
    // A control: what keeps somebody out would be found.
    await page.evaluate(() => document.querySelector('main')?.append(document.createElement('select')));
    expect(await barriers(page)).toEqual([expect.stringContaining('select-name')]);
  });

  // The pages change their colours with the scheme alone: each is looked at whole in one of the widths.
  const LOOKS = [
    { width: 1280, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
  ] as const;

  test('nothing serious is found by axe, and nothing is wider than the window, on a desk and on a phone, in light and in dark', async () => {
    const found: string[] = [];
    const page = await open();
    await signIn(page, t);
    for (const [name, path, title] of PAGES) {
      await page.goto(`${t.url}${path()}`);
      expect(await heading(page)).toMatch(title);
      for (const { width, colorScheme } of LOOKS) {
        const at = `${name}, ${width} wide, ${colorScheme}`;
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        found.push(...(await barriers(page)).map((barrier) => `${at}: ${barrier}`));
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (over > 0) found.push(`${at}: ${over} px too wide`);
      }
    }
    expect(found).toEqual([]);
  }, 120_000);
});
