import { type Command, InvalidArgumentError, Option } from 'commander';
import { encodeCursor } from '../http/api/page.ts';

/** A `--limit` as lists take it. */
export const wholeNumber = (value: string): number => {
  const number = Number(value);
  if (/^\d{1,4}$/.test(value) && number >= 1 && number <= 1000) return number;
  throw new InvalidArgumentError('use a whole number from 1 to 1000');
};

/** The `nextCursor` of the page before → the id that it stands for. */
const cursor = (value: string): string => {
  const id = Buffer.from(value, 'base64url').toString('utf8');
  if (encodeCursor(id) === value && /^[a-z]{3}_/.test(id)) return id;
  throw new InvalidArgumentError('take the nextCursor of the page before');
};

export interface ListOptions {
  limit: number;
  cursor?: string;
  json?: true;
}

export const jsonOption = (command: Command): Command => command.option('--json', 'answer as JSON');

/** What lists have in common. */
export const listOptions = (command: Command): Command =>
  jsonOption(command)
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .option('--cursor <cursor>', 'the page after this nextCursor', cursor);

export const choice = (flags: string, description: string, values: readonly string[]): Option =>
  new Option(flags, description).choices([...values]);

export const directionOption = (): Option =>
  choice('--direction <direction>', 'only one direction', ['stickycards_to_ghl', 'ghl_to_stickycards']);

/** Collects a repeated option. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ sticky-ghl ${line}\n`).join('')}`;
