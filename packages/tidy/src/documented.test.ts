import { allDefinitions } from '@paycrawl/events/event';
import { topicDefinitions } from '@paycrawl/events/topics';
import { expect, test } from 'vitest';
import { generateAll } from './docs.js';
import { filesOfTree, readTree, readTreeJson } from './tree.js';

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
