import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConsentWords, parseConsentWords } from './domain/consent.ts';
import { type FieldRow, parseFieldMap, parseTagMap, type TagMap } from './domain/fieldMap.ts';
import { AppError, messageOf } from './errors.ts';
import { type Dialect, loadDialects } from './platforms/stickycards/dialect.ts';

export interface Maps {
  rows: FieldRow[];
  tagMap: TagMap;
  consentWords: ConsentWords;
  dialects: ReadonlyMap<string, Dialect>;
}

/** The tables of `config/`, checked at the start. Throws AppError `config_invalid` with one line per mistake. */
export function loadMaps(configDir: string): Maps {
  const read = <T>(file: string, parse: (json: unknown) => T): T => {
    try {
      return parse(JSON.parse(readFileSync(join(configDir, file), 'utf8')));
    } catch (error) {
      const text = messageOf(error);
      throw new AppError('config_invalid', text.includes('config/') ? text : `config/${file}: ${text}`, {
        cause: error,
      });
    }
  };
  return {
    rows: read('field-map.json', parseFieldMap),
    tagMap: read('tag-map.json', parseTagMap),
    consentWords: read('consent.json', parseConsentWords),
    dialects: loadDialects(configDir),
  };
}
