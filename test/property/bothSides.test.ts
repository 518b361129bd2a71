// SPEC §3.3, last paragraph: people edit both sides at random while webhooks, answers and processes get lost; afterwards
// both sides agree, every point was booked once, and a further run makes no write. `npm run check:both-sides` plays many
// more of the same; a seed is repeated by its second argument.
import { expect, test } from '@jest/globals';
import { mass } from '../helpers/mass.ts';
import { MIXES, runWorld } from '../helpers/twoSides.ts';

const PEOPLE = mass(15, 40);
/** SPEC §3.3 wants two hundred shown. */
const ENOUGH = mass(70, 200);
const SEED = Number(process.env['BOTH_SIDES_SEED'] ?? Math.floor(Math.random() * 1_000_000));

let sequences = 0;

test.each(MIXES.map((mix, n) => [mix.name, mix, SEED + n] as const))(
  'both sides agree although: %s',
  async (_name, mix, seed) => {
    const report = await runWorld(seed, PEOPLE, mix, 1);
    sequences += report.sequences;
    const told = report.violations.map(({ rule, text, story }) => `${rule}: ${text}\n${story}`);
    // The seed stands in what is compared: it is the first thing to know of a failure.
    expect({ seed, mix: mix.name, told: told.join('\n\n') }).toEqual({ seed, mix: mix.name, told: '' });
    expect(report.edits).toBeGreaterThan(PEOPLE);
  },
  120_000,
);

test(`these were ${ENOUGH} sequences or more`, () => {
  expect(sequences).toBeGreaterThanOrEqual(ENOUGH);
});
