// People edit both sides at random while webhooks, answers and processes get lost (SPEC §3.3, last paragraph): worlds of
// people through the real service between both simulators, until so many sequences were played. Prints what an operator
// had to decide, and every violation with the seed of its world and the person's story.
//   npm run check:both-sides -- [sequences [seed [mix]]]
import { MIXES, runWorld } from '../test/helpers/twoSides.ts';

const SEQUENCES = Number(process.argv[2] ?? 1000);
const SEED = Number(process.argv[3] ?? Date.now() % 1_000_000);
const ONLY = process.argv[4] === undefined ? null : Number(process.argv[4]);
const PEOPLE = 50;

const totals = { sequences: 0, edits: 0, asked: 0, writes: 0, violations: 0 };
const questions: Record<string, number> = {};
const startedMs = performance.now();
for (let n = 0; totals.sequences < SEQUENCES; n++) {
  const mix = MIXES[ONLY ?? n % MIXES.length];
  if (!mix) throw new Error(`there are mixes 0 to ${MIXES.length - 1}`);
  const worldMs = performance.now();
  const report = await runWorld(SEED + n, Math.min(PEOPLE, SEQUENCES), mix);
  totals.sequences += report.sequences;
  totals.edits += report.edits;
  totals.asked += report.asked.sequences;
  totals.writes += report.writes.ghl + report.writes.stickycards;
  totals.violations += report.violations.length;
  for (const [about, times] of Object.entries(report.asked.questions))
    questions[about] = (questions[about] ?? 0) + times;
  const seconds = ((performance.now() - worldMs) / 1000).toFixed(1);
  const { edits, writes, asked } = report;
  console.log(
    `seed ${report.seed}, ${report.mix}: ${report.sequences} people, ${edits} edits, ${writes.ghl} + ${writes.stickycards} writes, ${asked.sequences} asked ${JSON.stringify(asked.questions)}, ${report.violations.length} violations, ${seconds} s`,
  );
  for (const { rule, text, story } of report.violations)
    console.log(`\nVIOLATION (seed ${report.seed}) ${rule}: ${text}\n${story}`);
}
const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
console.log(
  `${totals.sequences} sequences, ${totals.edits} edits, ${totals.writes} writes; an operator decided in ${totals.asked} (${JSON.stringify(questions)}); ${totals.violations} violations; seed ${SEED}, ${minutes} min`,
);
process.exit(totals.violations === 0 ? 0 : 1);
