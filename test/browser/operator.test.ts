import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { addUser } from '../../src/store/users.ts';
import { delivery, person } from '../helpers/story.ts';
import { onlyContact, startTestApp, type TestApp } from '../helpers/testApp.ts';
import { headed, heading, inBrowser, PASSWORD, signIn } from './browser.ts';

inBrowser('an operator at the dashboard', (open) => {
  let t: TestApp;
  beforeAll(async () => {
    t = await startTestApp({ env: { ADMIN_PASSWORD: PASSWORD } });
    for (const each of [
      delivery('CustomerCreatedEvent', 0),
      delivery('CardInstalledEvent', 1),
      delivery('CardBalanceUpdatedEvent', 2, { balance: 120 }),
    ])
      await t.deliver(each);
    await t.run();
  });
  afterAll(() => t.stop());

  test('nobody gets in without the right password, and guessing is stopped', async () => {
    const page = await open();
    await page.goto(`${t.url}/problems`);
    expect(await heading(page)).toBe('Sign in');
    for (let guess = 1; guess <= 5; guess++) {
      await page.getByLabel('Name').fill('admin');
      await page.getByLabel('Password').fill(`guess ${guess}`);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('The name or the password is wrong').waitFor();
    }
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Too many wrong passwords').waitFor();
    expect(await page.context().cookies()).not.toContainEqual(expect.objectContaining({ name: 'sticky_session' }));
    await t.restart();
    await page.goto(`${t.url}/problems`);
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    // On to where one wanted to go.
    await page.getByRole('heading', { name: 'Problems' }).waitFor();
    const session = (await page.context().cookies()).find(({ name }) => name === 'sticky_session');
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax', secure: false });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await headed(page, 'Sign in');
    await page.goto(t.url);
    await headed(page, 'Sign in');
  });

  test('the overview says how every connection stands', async () => {
    const page = await open();
    await signIn(page, t);
    await headed(page, 'Overview');
    const row = page.getByRole('row', { name: /default/ });
    await row.getByText('live').waitFor();
    // The day's limit as the location's own answers tell it.
    expect(await row.getByRole('meter').getAttribute('max')).toBe('10000000');
    expect(await row.getByRole('link', { name: '1', exact: true }).getAttribute('href')).toContain('SYNCED');
    expect(await row.locator('time').getAttribute('title')).toMatch(/ UTC · .*\(America\/New_York\)$/);
  });

  test('a failing record is found, understood and tried again', async () => {
    t.ghl.faults.add({
      kind: 'status',
      method: 'PUT',
      path: '/contacts/',
      status: 422,
      times: 1,
      body: { message: ['The value is not allowed here'], statusCode: 422 },
    });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 10, { balance: 190 }));
    await t.run();
    const page = await open();
    await signIn(page, t);
    await page.getByRole('link', { name: /1 failing/ }).click();
    await page.getByRole('link', { name: 'Ana Lee' }).click();
    await headed(page, 'Ana Lee');
    await page.getByRole('heading', { name: 'Customers could not be written to GHL and wait for you' }).waitFor();
    await page.locator('.finding').getByText('The value is not allowed here').waitFor();
    const points = page.getByRole('row', { name: /Loyalty Points/ });
    expect((await points.getByRole('cell').allInnerTexts()).slice(1, 4)).toEqual(['190', '↔', '120']);
    // The way of the change: delivered, decided, called, refused with GHL's trace id.
    const timeline = page.locator('.timeline');
    await timeline.getByText('CardBalanceUpdatedEvent').first().waitFor();
    expect(await timeline.locator('li').first().innerText()).toMatch(/CALL[\s\S]*failed[\s\S]*trace/);
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('The customer is tried again by the next run.').waitFor();
    await t.run();
    await page.reload();
    await page.getByText('Nothing is in the way').waitFor();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 190 });
    expect(await t.app.store.db.select().from(t.app.store.s.syncAuditLogs)).toContainEqual(
      expect.objectContaining({ actor: 'admin', action: 'customer.retry', subject: 'cus_1' }),
    );
  });

  test('a problem is read, acknowledged and resolved', async () => {
    t.ghl.faults.add({
      kind: 'status',
      method: 'PUT',
      path: '/contacts/',
      status: 422,
      times: 1,
      body: { message: ['No'], statusCode: 422 },
    });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 20, { balance: 200 }));
    await t.run();
    const page = await open();
    await signIn(page, t);
    await page
      .getByRole('navigation', { name: 'Main' })
      .getByRole('link', { name: /Problems/ })
      .click();
    const problem = page.getByRole('article');
    await problem.getByText('What to do:').waitFor();
    await problem.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('Acknowledged: it stays listed').waitFor();
    await page.getByRole('link', { name: /^Acknowledged/ }).click();
    await problem.getByRole('link').click();
    await page.getByRole('link', { name: 'Ana Lee' }).waitFor();
    await page.getByRole('button', { name: 'Retry all affected customers' }).click();
    await page.getByText('1 customer will be tried again').waitFor();
    await t.run();
    await page.reload();
    // Its last record is well: it is over by itself.
    await page.locator('.lead').getByText('resolved').waitFor();
    expect(onlyContact(t).customFields).toMatchObject({ loyalty_points: 200 });
  });

  test('a run is started and followed to its end', async () => {
    t.ghl.faults.add({ kind: 'delay', method: 'PUT', path: '/contacts/', times: 1, delayMs: 2500 });
    await t.deliver(delivery('CardBalanceUpdatedEvent', 30, { balance: 210 }));
    const page = await open();
    await signIn(page, t);
    await page.goto(`${t.url}/runs`);
    await page.getByRole('button', { name: 'Run now' }).click();
    await page.getByText('It is running. This page follows it.').waitFor();
    // By itself, without anybody's reload.
    await page.getByText('completed').waitFor();
    await page.getByRole('link', { name: 'Ana Lee' }).waitFor();
    expect(await page.locator('.changes').innerText()).toMatch(/loyalty points\s+200\s+→\s*(becomes)?\s*210/);
  });

  test('a viewer sees everything and presses nothing', async () => {
    await addUser(t.app.store, { name: 'vera', role: 'viewer', password: PASSWORD }, 'test');
    const page = await open();
    await signIn(page, t, 'vera');
    await page.goto(`${t.url}/customers/default/cus_1`);
    await page.getByRole('heading', { name: 'Field by field' }).waitFor();
    expect(await page.getByRole('button').allInnerTexts()).toEqual(['Find', 'Sign out']);
  });

  test('everything works by the keyboard', async () => {
    const page = await open();
    await signIn(page, t);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.locator('#content:focus').waitFor();
  });

  test('lists of many are paged, searched and exported', async () => {
    for (let n = 2; n <= 60; n++)
      await t.deliver({ event_type: 'CustomerCreatedEvent', timestamp: 1_770_000_000, ...person(n) });
    await t.run();
    const page = await open();
    await signIn(page, t);
    await page.goto(`${t.url}/customers`);
    expect(await page.locator('tbody tr').count()).toBe(50);
    await page.getByRole('link', { name: 'More →' }).click();
    await page.waitForURL(/cursor=/);
    expect(await page.locator('tbody tr').count()).toBe(10);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Export as CSV' }).click();
    expect((await download).suggestedFilename()).toBe('customers.csv');
    await page.getByRole('searchbox', { name: 'Find a customer' }).fill('person7@example.com');
    await page.getByRole('button', { name: 'Find' }).click();
    await headed(page, 'P7 Lee');
  });
});
