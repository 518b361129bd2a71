import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { TestApp } from '../helpers/testApp.ts';

// The first is Chromium without windows, for half of the work.
const PLACES = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const FLAGS = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const found = PLACES.find((place) => existsSync(place));
export const PASSWORD = 'nine in the evening';

export type Open = (colorScheme?: 'light' | 'dark') => Promise<Page>;

/**
 * Tests in a real browser. `open` gives a fresh visitor, and the one before has left; whatever a page's scripts complain
 * about fails the test. Where there is no browser the tests are skipped and a line says so, except in CI.
 */
export function inBrowser(name: string, tests: (open: Open) => void): void {
  const missing = `no browser at ${PLACES.join(', ')}: "${name}" needs one (apt-get install chromium-headless-shell)`;
  const skipped = found === undefined && !process.env['CI'];
  // Not by the console: jest keeps to itself what a file without a test says there.
  if (skipped) process.stderr.write(`SKIPPED: ${missing}\n`);
  const suite = skipped ? describe.skip : describe;
  suite(`${name}, in a browser`, () => {
    let browser: Browser | undefined;
    let context: BrowserContext | undefined;
    const complaints: string[] = [];
    beforeAll(async () => {
      if (found === undefined) throw new Error(missing);
      browser = await chromium.launch({ executablePath: found, args: FLAGS });
      context = await browser.newContext();
      context.setDefaultTimeout(10_000);
    });
    afterAll(async () => {
      await browser?.close();
      expect(complaints).toEqual([]);
    });
    tests(async (colorScheme = 'light') => {
      if (!context) throw new Error(missing);
      const before = context.pages();
      // In the same window: a context of its own for each visitor costs as much as all that he does.
      const page = await context.newPage();
      await Promise.all(before.map((old) => old.close()));
      await context.clearCookies();
      await page.emulateMedia({ colorScheme });
      page.on('pageerror', (error) => complaints.push(`${page.url()}: ${String(error)}`));
      page.on('console', (message) => {
        // A refused page is shown as such; that the browser says so too is no complaint of ours.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
          complaints.push(`${page.url()}: ${message.text()}`);
      });
      // Whatever a button asks, the person means it.
      page.on('dialog', (dialog) => void dialog.accept());
      return page;
    });
  });
}

export async function signIn(page: Page, t: TestApp, name = 'admin', password = PASSWORD): Promise<void> {
  await page.goto(t.url);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Waits for the page of that title: a click answers before what it leads to is there. */
export const headed = (page: Page, title: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();

export const heading = (page: Page): Promise<string> => page.getByRole('heading', { level: 1 }).innerText();

const axePath = createRequire(import.meta.url).resolve('axe-core');

/** What axe-core finds that would keep somebody out: serious and critical, as `rule: first place`. */
export async function barriers(page: Page): Promise<string[]> {
  // Past the page's Content-Security-Policy, which lets no foreign script in.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(readFileSync(axePath, 'utf8'));
  const found = await page.evaluate(async () => {
    type Result = { violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] };
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<Result> } };
    // Passes are not asked for: listing them is most of the work.
    return (await axe.run({ resultTypes: ['violations'] })).violations;
  });
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}
