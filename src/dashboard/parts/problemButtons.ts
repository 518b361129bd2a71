import type { PageContext } from '../context.ts';
import { type Html } from '../html.ts';
import type { ProblemRow } from '../../store/problems.ts';
import { button } from './forms.ts';

/** What a confirmation lets go (SPEC §6.1): other problems have nothing that waits for one. */
const CONFIRMABLE = ['points_limit', 'mass_change', 'balance_mode_wrong', 'command_too_old'];

/** What a person may decide about a problem as it stands. */
export function problemButtons(
  ctx: PageContext,
  { id, code, state }: Pick<ProblemRow, 'id' | 'code' | 'state'>,
): Html[] {
  const over = state === 'resolved';
  return [
    CONFIRMABLE.includes(code) && !over
      ? button(ctx, `/problems/${id}/confirm`, 'Confirm', {
          tone: 'main',
          ask: 'What it stopped goes out with the next run, once. Confirm it?',
        })
      : null,
    state === 'open' ? button(ctx, `/problems/${id}/acknowledge`, 'Acknowledge') : null,
    over ? null : button(ctx, `/problems/${id}/resolve`, 'Resolve'),
    state === 'ignored' || over
      ? null
      : button(ctx, `/problems/${id}/ignore`, 'Ignore', {
          ask: 'It then stays quiet, also when it comes back. Ignore it?',
        }),
  ];
}
