import { fail } from '@paycrawl/errors/paycrawl-error';
import { describe, expect, test } from 'vitest';
import type { Caused } from './fold.js';
import { createOutputWriter } from './output-writer.js';

/** Writes that end when a test says so. */
function writerInto(isAnyOrder: boolean) {
  const writes: { readonly outputs: string[]; end(): void; break(): void }[] = [];
  const broken: unknown[] = [];
  const writer = createOutputWriter<string>({
    ...{ isAnyOrder, startOffset: 0, waitingMax: 3 },
    write: (outputs) =>
      new Promise((resolve, reject) => {
        const texts = outputs.map(({ output }) => output);
        const lost = () => reject(fail('warehouse_unavailable', 'away'));
        writes.push({ outputs: texts, end: resolve, break: lost });
      }),
    onBroken: (error) => broken.push(error),
  });
  const add = (text: string, offset: number) => {
    const output: Caused<string> = {
      ...{ output: text, nowMs: 0, trace: undefined },
      cause: ['payments.1', 0, offset, 0],
    };
    writer.add([output], offset + 1);
  };
  return { writer, writes, broken, add };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('output writer', () => {
  test('behavior: one write in flight; what comes meanwhile goes with the next one', async () => {
    const { writer, writes, add } = writerInto(false);
    for (const [offset, text] of ['a', 'b', 'c'].entries()) add(text, offset);
    expect(writes.map(({ outputs }) => outputs)).toEqual([['a']]);
    writes[0]?.end();
    await turn();
    expect(writer.durableOffset()).toBe(1);
    expect(writes.map(({ outputs }) => outputs)).toEqual([['a'], ['b', 'c']]);
    writes[1]?.end();
    await writer.drained();
    expect(writer.durableOffset()).toBe(3);
  });

  test('behavior: in any order at once; a position is durable when all before it is', async () => {
    const { writer, writes, add } = writerInto(true);
    for (const [offset, text] of ['a', 'b', 'c'].entries()) add(text, offset);
    expect(writes.map(({ outputs }) => outputs)).toEqual([['a'], ['b'], ['c']]);
    writes[2]?.end();
    writes[1]?.end();
    await turn();
    expect(writer.durableOffset()).toBe(0);
    writes[0]?.end();
    await writer.drained();
    expect(writer.durableOffset()).toBe(3);
  });

  test('behavior: in any order there is a bound of what is under way', async () => {
    const { writer, writes, add } = writerInto(true);
    for (const [offset, text] of ['a', 'b', 'c', 'd'].entries()) add(text, offset);
    let hasRoom = false;
    const room = writer.room().then(() => {
      hasRoom = true;
    });
    await turn();
    expect(hasRoom).toBe(false);
    writes[0]?.end();
    await room;
  });

  test('error: fold_broken', async () => {
    const { writer, writes, broken, add } = writerInto(true);
    add('a', 0);
    add('b', 1);
    writes[0]?.break();
    writes[1]?.end();
    await expect(writer.drained()).rejects.toMatchObject({ code: 'fold_broken' });
    await turn();
    expect(broken.length).toBe(1);
    expect(writer.durableOffset()).toBe(0);
    add('c', 2);
    expect(writes.length).toBe(2);
  });
});
