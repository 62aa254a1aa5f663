import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Node, startGraph } from './graph.js';

const progress = { begun: () => undefined, ended: () => undefined };

/** Services that note what happens to them. */
function recorded(
  after: Readonly<Record<string, readonly string[]>>,
  start: (name: string, signal: AbortSignal) => Promise<void> = async () => undefined,
) {
  const seen: string[] = [];
  const nodes = Object.entries(after).map(([name, names]): Node => {
    return {
      ...{ name, after: names },
      start: async (signal) => {
        await start(name, signal);
        seen.push(`start ${name}`);
        return { said: 'ready', close: async () => void seen.push(`close ${name}`) };
      },
    };
  });
  return { seen, nodes };
}

describe('order', () => {
  test('behavior: each starts after those it waits for, and ends before them', async () => {
    const { seen, nodes } = recorded({ api: ['log', 'db'], db: [], log: ['db'], other: ['api'] });
    const graph = startGraph(nodes, progress);
    await graph.ready;
    expect(seen).toEqual(['start db', 'start log', 'start api', 'start other']);
    await graph.close();
    expect(seen.slice(4)).toEqual(['close other', 'close api', 'close log', 'close db']);
    // Once is enough, however often it is asked for.
    await graph.close();
    expect(seen).toHaveLength(8);
  });

  test('behavior: those that do not wait for each other start side by side', async () => {
    let release: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = 0;
    const { nodes } = recorded({ a: [], b: [] }, async () => {
      begun += 1;
      if (begun === 2) release();
      await both;
    });
    await startGraph(nodes, progress).ready;
    expect(begun).toBe(2);
  });
});

describe('failures', () => {
  test('behavior: after one that fails, nothing that waits for it begins; the rest is closed', async () => {
    const { seen, nodes } = recorded({ db: [], api: ['db'], job: ['db'] }, async (name) => {
      if (name === 'job') expect.fail('the job fails');
    });
    const late: Node = { name: 'late', after: ['job'], start: () => expect.fail('begun') };
    const graph = startGraph([...nodes, late], progress);
    await expect(graph.ready).rejects.toThrow('the job fails');
    await graph.close();
    expect(seen).toEqual(['start db', 'start api', 'close api', 'close db']);
  });

  test('behavior: one that is still starting hears that everything is closed', async () => {
    const { seen, nodes } = recorded({ db: [], slow: ['db'] }, async (name, signal) => {
      if (name === 'slow') await delay(60_000, undefined, { signal });
    });
    const graph = startGraph(nodes, progress);
    const ready = expect(graph.ready).rejects.toThrow();
    await delay(0);
    await graph.close();
    await ready;
    expect(seen).toEqual(['start db', 'close db']);
  });

  test('error: config_invalid for those that wait for each other', () => {
    const { nodes } = recorded({ a: ['b'], b: ['a'] });
    expect(() => startGraph(nodes, progress)).toThrow('a waits for itself');
  });
});
