import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { variableNames } from '../../src/config/variables.ts';
import { projectRoot } from '../../src/paths.ts';

// No Docker engine is needed to see that the image still fits the project.

const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8');

interface Instruction {
  name: string;
  rest: string;
  stage: string;
}

/** Continued lines joined, comments left out, each instruction with the stage that it is in. */
function instructionsOf(text: string): Instruction[] {
  let stage = '';
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
      if (name === 'FROM') stage = / AS (\w+)$/.exec(rest)?.[1] ?? '';
      return { name, rest, stage };
    });
}

const instructions = instructionsOf(read('Dockerfile'));
const runtime = instructions.filter((each) => each.stage === 'runtime');
const named = (name: string, among = runtime) => among.filter((each) => each.name === name).map((each) => each.rest);
const copies = (among: Instruction[]) =>
  named('COPY', among)
    .filter((rest) => !rest.startsWith('--from'))
    .flatMap((rest) => rest.split(/\s+/).slice(0, -1));

describe('Dockerfile', () => {
  test('the last stage is the one that runs, on the Node that the project pins', () => {
    expect(instructions.at(-1)?.stage).toBe('runtime');
    const pinned = (JSON.parse(read('package.json')) as { devDependencies: { node: string } }).devDependencies.node;
    for (const from of named('FROM', instructions)) expect(from).toMatch(new RegExp(`^node:${pinned.split('.')[0]}-`));
  });

  test('everything that is copied exists and is let through by .dockerignore', () => {
    const allowed = read('.dockerignore').split('\n');
    expect(allowed).toContain('*');
    for (const source of copies(instructions)) {
      expect({ source, exists: existsSync(join(projectRoot, source)) }).toEqual({ source, exists: true });
      const folder = source.endsWith('/') ? source : (source.split('/').slice(0, -1).join('/') || '.') + '/';
      const isAllowed = [source, folder, `${folder}${source.split('/').at(-1)}`].some((s) => allowed.includes(`!${s}`));
      expect({ source, isAllowed }).toEqual({ source, isAllowed: true });
    }
  });

  test('the program finds at run time what it reads: migrations, tables in config, package.json', () => {
    expect(copies(runtime)).toEqual(expect.arrayContaining(['package.json', 'config/', 'migrations/', 'public/']));
    expect(named('COPY')).toContain('--from=build /app/dist/ dist/');
    const main = /"(dist\/[^"]+)\.js"/.exec(named('CMD')[0] ?? '')?.[1] ?? '';
    expect(existsSync(join(projectRoot, `${main.replace('dist/', '')}.ts`))).toBe(true);
  });

  test('it runs as somebody who is not root and may write the data folder', () => {
    const order = runtime.map((each) => each.name);
    expect(named('USER')).toEqual(['node']);
    expect(order.lastIndexOf('RUN')).toBeLessThan(order.indexOf('USER'));
    expect(named('RUN').join('\n')).toContain('chown node:node data');
    expect(named('VOLUME')).toEqual(['/app/data']);
  });

  test('it gets signals itself, is asked whether it lives, and runs in production mode', () => {
    const { scripts } = JSON.parse(read('package.json')) as {
      scripts: Record<'start' | 'sticky-ghl', string>;
    };
    const [cmd] = named('CMD');
    expect((JSON.parse(cmd ?? '') as string[]).join(' ')).toBe(scripts.start);
    expect(scripts['sticky-ghl'].split(' ').slice(0, -1)).toEqual(scripts.start.split(' ').slice(0, -1));
    expect(named('HEALTHCHECK')[0]).toContain('/healthz');
    expect(named('ENV')).toEqual(['NODE_ENV=production']);
    expect(named('RUN').join('\n')).toContain('npm ci --omit=dev');
  });

  test('it holds no configuration and no secret', () => {
    const text = instructions.map((each) => each.rest).join('\n');
    const set = variableNames.filter((name) => name !== 'NODE_ENV' && new RegExp(`\\b${name}=`).test(text));
    expect(set).toEqual([]);
    expect(copies(instructions).filter((source) => /\.env|data|secret/.test(source))).toEqual([]);
    const copied = copies(instructions).flatMap((source) => globSync(`${source}**`, { cwd: projectRoot }));
    expect(copied.filter((file) => /(^|\/)\.env|secrets\.json$|\.db$|\.pem$/.test(file))).toEqual([]);
  });
});
