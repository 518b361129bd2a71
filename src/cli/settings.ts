import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { ConnectionPatch } from '../domain/connectionSettings.ts';
import { connectionInput, connectionInputNames, type InputRules } from '../http/api/connectionInput.ts';
import { invalid, parse } from '../http/api/input.ts';
import { defined } from '../http/api/page.ts';
import { messageOf } from '../errors.ts';
import { loadMaps } from '../maps.ts';
import { projectRoot } from '../paths.ts';

export interface SettingOptions {
  set?: string[];
  file?: string;
}

/** `name=value` → the value as the API would get it. */
function valueOf(name: string, text: string): unknown {
  if (text === '' || text === 'null') return null;
  if (name === 'stickyCardsWebhookSecrets') return text.split(',').map((secret) => secret.trim());
  if (name === 'lowRating' || name === 'pointsLimit') return Number(text);
  if (name === 'fieldMap' || name === 'tagMap') return jsonOf(name, text);
  if (name === 'test') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(name, 'write it as JSON, or put it into a file and use --file');
  }
}

function fromFile(file: string): Record<string, unknown> {
  try {
    // 0 is standard input: secrets need not stand on a command line, where other users can see them.
    const value = JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw invalid('--file', `cannot be read as JSON (${messageOf(error).split('\n')[0] ?? ''})`);
  }
  throw invalid('--file', 'has to hold one JSON object, as in {"ghlLocationId": "…"}');
}

/** What `config/` says about settings. */
export function inputRules(): InputRules {
  const maps = loadMaps(join(projectRoot, 'config'));
  return { dialects: [...maps.dialects.keys()], maps };
}

/** The settings that a command line names, checked as the API checks them. */
export function settingsOf(options: SettingOptions): ConnectionPatch {
  const values: Record<string, unknown> = options.file === undefined ? {} : fromFile(options.file);
  for (const pair of options.set ?? []) {
    const at = pair.indexOf('=');
    if (at <= 0) throw invalid('--set', 'write it as name=value');
    values[pair.slice(0, at)] = valueOf(pair.slice(0, at), pair.slice(at + 1));
  }
  const { patch } = connectionInput(inputRules());
  return defined(parse(patch, values) as z.infer<typeof patch>) as ConnectionPatch;
}

export const settingNames = (): string => `\nSettings: ${connectionInputNames.join(', ')}\n`;
