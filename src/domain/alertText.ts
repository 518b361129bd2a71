import { problemText } from './problemCodes.ts';

/** A problem whose state is told. */
export interface ToldProblem {
  id: string;
  connectionId: string;
  code: string;
  affected: number;
  firstSeenAt: Date;
}

/** What Slack's incoming webhooks take, and what takes the same; `text` alone says it all. */
export interface AlertMessage {
  text: string;
  blocks: Record<string, unknown>[];
}

/** Slack reads these three as its own; a title or a name that holds one is text. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });

const recordsOf = (count: number) => (count === 1 ? '1 record' : `${count.toLocaleString('en')} records`);

/**
 * The message that a problem is there, or over (SPEC §6): what happened, what to do, where to look. No contact details: only ids.
 * @param dashboard PUBLIC_URL; null = no link
 */
export function alertMessage(problem: ToldProblem, state: 'open' | 'resolved', dashboard: string | null): AlertMessage {
  const { title, remedy } = problemText(problem.code);
  const { connectionId, affected, id } = problem;
  const head = state === 'open' ? `Problem in ${connectionId}: ${title}` : `Over in ${connectionId}: ${title}`;
  const mark = state === 'open' ? ':red_circle:' : ':large_green_circle:';
  const facts = [`connection ${connectionId}`, ...(state === 'open' ? [recordsOf(affected)] : []), problem.code, id];
  const link = dashboard === null ? [] : [`<${dashboard}/problems/${id}|Open it>`];
  return {
    text: escaped(state === 'open' ? `${head}. ${remedy}` : `${head}. Nothing is to be done.`),
    blocks: [
      section(`${mark} *${escaped(head)}*`),
      ...(state === 'open' ? [section(escaped(remedy))] : []),
      { type: 'context', elements: [{ type: 'mrkdwn', text: [...facts.map(escaped), ...link].join(' · ') }] },
    ],
  };
}
