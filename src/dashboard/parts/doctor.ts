import type { Check } from '../../domain/doctor.ts';
import { html, type Html } from '../html.ts';
import { badge, type Tone } from './basics.ts';
import { table } from './table.ts';

const LIGHTS: Readonly<Record<Check['status'], readonly [Tone, string]>> = {
  green: ['ok', 'green'],
  yellow: ['warn', 'yellow'],
  red: ['bad', 'red'],
};
/** Red, yellow or green, in a word too. */
export const light = (status: Check['status']): Html => badge(...LIGHTS[status]);

/** Everything that was looked at, the worst first. */
export const checkTable = (checks: readonly Check[]): Html =>
  table<Check>(
    'Checks',
    [
      { head: '', cell: ({ status }) => light(status) },
      { head: 'Check', cell: ({ title }) => title },
      { head: 'Found', cell: ({ found }) => found },
      { head: 'What to do', cell: ({ remedy }) => remedy ?? html`<span class="mute">nothing</span>` },
    ],
    checks.toSorted((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status)),
  );

const ORDER: readonly Check['status'][] = ['red', 'yellow', 'green'];
