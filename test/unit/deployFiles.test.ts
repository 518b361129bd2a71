// The boards and alert rules that are delivered ask only for figures that the service has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../src/paths.ts';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');

/** Names of figures with their labels, from the sources that make them. */
function made(): Map<string, string[]> {
  const figures = new Map<string, string[]>();
  for (const file of ['src/http/metrics.ts', 'src/http/metricsOfState.ts']) {
    const text = read(file);
    for (const [, name, labels] of text.matchAll(
      /name: '([a-z_0-9]+)',\s*help: '[^']*',(?:\s*labelNames: \[([^\]]*)\])?/g,
    ))
      figures.set(
        name as string,
        [...(labels ?? '').matchAll(/'(\w+)'/g)].map((label) => label[1] as string),
      );
    for (const [, name, labels] of text.matchAll(/gauge\('(\w+)', '[^']*'((?:, '\w+')*)\)/g))
      figures.set(
        `sticky_ghl_${name as string}`,
        [...(labels ?? '').matchAll(/'(\w+)'/g)].map((label) => label[1] as string),
      );
  }
  return figures;
}

const TEXTS = ['deploy/grafana/sticky-ghl.json', 'deploy/prometheus/alerts.yml'];
/** What Prometheus itself adds. */
const ADDED = ['job', 'instance', 'le'];

test.each(TEXTS)('%s asks only for figures and labels that there are', (file) => {
  const figures = made();
  expect(figures.size).toBeGreaterThan(15);
  const text = read(file).replaceAll('\\"', '"');
  const asked = [...text.matchAll(/\b((?:sticky_ghl|process|nodejs)_[a-z_0-9]+)(?:\{([^}]*)\})?/g)];
  expect(asked.length).toBeGreaterThan(8);
  for (const [, full, labels] of asked) {
    const name = (full as string).replace(/_(bucket|count|sum)$/, '');
    const known = figures.get(full as string) ?? figures.get(name);
    expect([full, known]).toEqual([full, expect.any(Array)]);
    for (const [, label] of (labels ?? '').matchAll(/(\w+)=/g)) expect([...(known ?? []), ...ADDED]).toContain(label);
  }
});

test('the board is one that Grafana takes: panels with places, targets with expressions', () => {
  const board = JSON.parse(read('deploy/grafana/sticky-ghl.json')) as {
    uid: string;
    panels: { id: number; type: string; gridPos: { w: number }; targets?: { expr: string }[] }[];
  };
  expect(new Set(board.panels.map((panel) => panel.id)).size).toBe(board.panels.length);
  for (const panel of board.panels) {
    expect(panel.gridPos.w).toBeLessThanOrEqual(24);
    const expressions = panel.targets?.map(({ expr }) => expr) ?? [];
    expect([panel.id, expressions.every((expr) => expr.length > 5), expressions.length > 0]).toEqual([
      panel.id,
      true,
      panel.type !== 'row',
    ]);
  }
});
