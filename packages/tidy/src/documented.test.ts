import { catalogue } from '@paycrawl/errors/catalogue';
import { allDefinitions } from '@paycrawl/events/event';
import { topicDefinitions } from '@paycrawl/events/topics';
import { expect, test } from 'vitest';
import { print } from './allowances.js';
import { generateAll } from './docs.js';
import { checkLinks, checkNames } from './pages.js';
import { filesOfTree, isSource, readTree, readTreeJson } from './tree.js';

const files = new Set(filesOfTree());

test.each(generateAll())(
  'rule: $path says what the code says (else: npm run docs)',
  (generated) => {
    expect(files).toContain(generated.path);
    expect(readTree(generated.path)).toBe(generated.text);
  },
);

test('rule: infra has exactly the topics of the events package', () => {
  const found = [...files]
    .map((path) => /^infra\/kafka\/topics\/(.+)\.json$/.exec(path)?.[1])
    .filter((name) => name !== undefined);
  expect(found.sort()).toEqual(Object.keys(topicDefinitions).sort());
});

test('rule: every version of every event type has a golden file', () => {
  const wanted = allDefinitions.flatMap(({ type, version }) =>
    Array.from(
      { length: version },
      (_, index) => `packages/events/vectors/${type}.v${index + 1}.json`,
    ),
  );
  expect(wanted.filter((path) => !files.has(path))).toEqual([]);
});

test('rule: every golden file belongs to an event type', () => {
  const known = new Map(allDefinitions.map(({ type, version }) => [type, version]));
  const strays = [...files]
    .map((path) => /^packages\/events\/vectors\/(\w+)\.v(\d+)\.json$/.exec(path))
    .filter((match) => match !== null)
    .filter(([path, type, version]) => {
      const value = readTreeJson<unknown>(path);
      return Number(version) > (known.get(type as never) ?? 0) || value === null;
    });
  expect(strays.map(([path]) => path)).toEqual([]);
});

test('rule: pages link to what is there, and name metrics and codes that exist', () => {
  const tree = [...files];
  const pages = tree
    .filter((path) => path.endsWith('.md') && !path.startsWith('services/standalone/site/'))
    .map((path) => ({ path, text: readTree(path) }));
  const code = tree.filter(isSource).map(readTree).join('\n');
  const codes = new Set(Object.keys(catalogue));
  const found = pages.flatMap((page) => [
    ...checkLinks(page, tree),
    ...checkNames(page, code, codes),
  ]);
  expect(print(found)).toEqual([]);
});
