import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, topicConfigs } from '@paycrawl/events/topics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LogOutput, Sink } from './fold.js';
import { createLogSink, deadLetterOf } from './log-sink.js';
import { type Runtime, type RuntimeOptions, startRuntime } from './runtime.js';
import { createMemoryStore, type Store } from './store.js';
import { eventGiven, type Given, given, tally } from './tally.given.js';

/** Time is the test's: timers and clock move together, and only when told. */
let nowMs = 1_000_000;
let log: EventLog;
let runtimes: Runtime[] = [];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
  nowMs = 1_000_000;
  log = createMemoryLog({ clock: () => nowMs });
  await log.createTopics(topicConfigs({ payer: 2, publisher: 1 }, 1000));
});

afterEach(async () => {
  const closing = Promise.all(runtimes.map((runtime) => runtime.close()));
  // One that is about to begin again closes after its pause.
  await pass(500);
  await closing;
  runtimes = [];
  vi.useRealTimers();
});

async function pass(durationMs: number): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 50) {
    nowMs += 50;
    await vi.advanceTimersByTimeAsync(50);
  }
}

async function append(partition: number, ...all: Given[]): Promise<void> {
  const topic = physicalTopic('payments');
  await log.producer().append(
    all.map((one) => ({
      topic,
      partition,
      key: one.payer,
      value: encodeEvent(eventGiven(one)),
    })),
  );
}

/** Stores outlive their owners, as folders do. */
function machine() {
  const stores = new Map<number, Store>();
  return (partition: number): Store => {
    const store = stores.get(partition) ?? createMemoryStore();
    stores.set(partition, store);
    return store;
  };
}

async function start(options: Partial<RuntimeOptions<LogOutput>> = {}): Promise<Runtime> {
  const runtime = await startRuntime<LogOutput>({
    log,
    fold: tally,
    groupId: 'tally',
    createSink: () => createLogSink(log, tally.name),
    openStore: machine(),
    deadLetter: deadLetterOf(tally.name),
    clock: () => nowMs,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
  runtimes.push(runtime);
  return runtime;
}

async function told(partition = 0, topic = 'decisions.1'): Promise<string[]> {
  const records = await log.read({ topic, partition }, 0, 100_000);
  return records.map(({ value }) => value.toString());
}

async function payments(partition = 0): Promise<string[]> {
  return (await told(partition, 'payments.1')).map((text) =>
    JSON.parse(text).type.replace('.v1', ''),
  );
}

describe('owning partitions', () => {
  it('behavior: outputs go to the partition that was read, and the position follows', async () => {
    await append(0, given('a', 'add 2'));
    await append(1, given('b', 'add 1'));
    const runtime = await start();
    await pass(300);
    expect((await told(0)).length).toBe(2);
    expect(await told(1)).toMatchObject([expect.stringContaining('"cause":["payments.1",1,0,0]')]);
    const topic = 'payments.1';
    const done = { topic, storedOffset: 1, logNextOffset: 1 };
    expect(await runtime.progress()).toEqual([
      { ...done, partition: 0 },
      { ...done, partition: 1 },
    ]);
    expect(await runtime.standing()).toMatchObject([{ oldestUncommittedMs: undefined }, done]);
    expect(await log.committed('tally', { topic: 'payments.1', partition: 1 })).toBe(1);
  });

  it('behavior: a restart on the same machine goes on where the store stands', async () => {
    const openStore = machine();
    await append(0, given('a', 'add 1'));
    const first = await start({ openStore });
    await pass(300);
    await first.close();
    await append(0, given('a', 'sum'));
    await start({ openStore });
    await pass(300);
    const lines = await told();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('n/eip155:1:a=1/1');
  });

  it('behavior: closing stores everything that was folded', async () => {
    const openStore = machine();
    const runtime = await start({ openStore, checkpointIntervalMs: 1_000_000 });
    await append(0, given('a', 'add 1'));
    await pass(100);
    await runtime.close();
    expect(openStore(0).position().nextOffset).toBe(1);
  });

  it('behavior: what is stored is told to the group again where that failed', async () => {
    const openStore = machine();
    await append(0, given('a', 'add 1'));
    let failures = 3;
    const restarts: unknown[] = [];
    const flaky: EventLog = {
      ...log,
      joinGroup: async (options) => {
        const member = await log.joinGroup(options);
        return {
          ...member,
          commit: async (place, offset) => {
            if (failures-- > 0) throw new RangeError('rebalancing');
            await member.commit(place, offset);
          },
        };
      },
    };
    await start({ log: flaky, openStore, onRestart: (error) => restarts.push(error) });
    await pass(2000);
    expect(restarts).toEqual([]);
    expect(await log.committed('tally', { topic: 'payments.1', partition: 0 })).toBe(1);
    expect(await told()).toHaveLength(1);
  });

  it('error: fold_ahead_of_log: a store of another history is not folded on', async () => {
    const openStore = machine();
    await openStore(0).write({ nextOffset: 0, nowMs: 0 }, { nextOffset: 7, nowMs: 1 }, new Map());
    const restarts: unknown[] = [];
    await append(0, given('a', 'add 1'));
    await start({ openStore, onRestart: (error) => restarts.push(error) });
    await pass(100);
    expect(restarts[0]).toMatchObject({ code: 'fold_ahead_of_log' });
    expect(await told()).toEqual([]);
  });
});

describe('failures', () => {
  function failing(times: number, before: boolean): () => Sink<LogOutput> {
    let left = times;
    return () => {
      const sink = createLogSink(log, tally.name);
      return {
        ...sink,
        async write(outputs, partition) {
          const fails = left-- > 0;
          if (fails && before) throw new RangeError('the log is away');
          await sink.write(outputs, partition);
          if (fails) throw new RangeError('the answer was lost');
        },
      };
    };
  }

  it.each([
    ['nothing was written', true],
    ['everything was written', false],
  ])('behavior: a failed write folds again from the store; %s', async (_name, before) => {
    const restarts: unknown[] = [];
    await append(0, given('a', 'add 1'), given('a', 'add 1'));
    const createSink = failing(2, before);
    const runtime = await start({ createSink, onRestart: (error) => restarts.push(error) });
    await pass(2000);
    expect(restarts).toHaveLength(2);
    const lines = await told();
    expect(new Set(lines).size).toBe(2);
    expect(lines.length).toBe(before ? 2 : 6);
    expect((await runtime.progress())[0]).toMatchObject({ storedOffset: 2 });
  });

  it('behavior: an unexpected throw is fatal, once; what came before is stored', async () => {
    const fatal: unknown[] = [];
    const openStore = machine();
    await append(0, given('a', 'add 1'), given('a', 'break'), given('a', 'add 1'));
    const runtime = await start({ openStore, onFatal: (error) => fatal.push(error) });
    await pass(3000);
    expect(fatal).toMatchObject([{ name: 'RangeError' }]);
    expect(await told()).toHaveLength(1);
    await runtime.close();
    expect(openStore(0).position().nextOffset).toBe(1);
  });

  it('error: fold_seed_missing is fatal: nothing is decided in a generation without its state', async () => {
    const fatal: unknown[] = [];
    const topic = 'payments.2';
    await log.createTopics([{ name: topic, partitions: 1, retentionMs: 'forever' }]);
    const value = encodeEvent(eventGiven(given('a', 'add 1')));
    await log.producer().append([{ topic, partition: 0, key: 'k', value }]);
    const openStore = machine();
    const fold = { ...tally, isSeeded: true };
    await start({ fold, topic, openStore, onFatal: (error) => fatal.push(error) });
    await pass(3000);
    expect(fatal).toMatchObject([{ code: 'fold_seed_missing' }]);
    expect(await told()).toEqual([]);
    expect(openStore(0).position().nextOffset).toBe(0);
  });

  it('behavior: a store that another owner moved is left, and the owner begins again', async () => {
    const openStore = machine();
    const restarts: unknown[] = [];
    await start({ openStore, onRestart: (error) => restarts.push(error) });
    await pass(100);
    const store = openStore(0);
    await append(0, given('a', 'add 1'));
    await pass(300);
    const moved = store.position();
    await store.write(moved, { ...moved, nextOffset: moved.nextOffset + 1 }, new Map());
    await append(0, given('a', 'add 1'), given('a', 'sum'));
    await pass(1000);
    expect(restarts).toMatchObject([{ code: 'fold_position_moved' }]);
    expect((await told()).at(-1)).toContain('n/eip155:1:a=1/1');
  });
});

describe('the input of an owner', () => {
  it('behavior: one lost acknowledgement does not stop its clock', async () => {
    let isLost = false;
    const losing: EventLog = {
      ...log,
      producer: (options) => {
        const producer = log.producer(options);
        let isFinished = false;
        return {
          ...producer,
          async append(records) {
            if (isFinished) throw fail('log_unavailable', 'the producer is finished');
            if (isLost || records[0]?.key !== 'time') return producer.append(records);
            isLost = true;
            isFinished = true;
            throw fail('log_unavailable', 'the answer was lost');
          },
        };
      },
    };
    await append(0, given('a', 'wake 100'), given('a', 'wake 5000'));
    await start({ log: losing });
    await pass(7000);
    expect(isLost).toBe(true);
    expect((await payments()).filter((type) => type === 'TimePassed').length).toBeGreaterThan(1);
  });
});

describe('two runtimes that both believe to own the partition', () => {
  it('behavior: they write equal bytes, and what consumers keep is one history', async () => {
    const story = Array.from({ length: 60 }, (_, n) =>
      given('abcd'.charAt(n % 4), n % 7 === 0 ? 'sum' : `add ${n % 3}`),
    );
    await append(0, ...story.slice(0, 20));
    await start({ groupId: 'one' });
    await pass(100);
    await append(0, ...story.slice(20, 40));
    await start({ groupId: 'two' });
    await append(0, ...story.slice(40));
    await pass(500);
    const lines = await told();
    const unique = [...new Set(lines)];
    expect(lines).toHaveLength(unique.length * 2);
    const causes = unique.map((line) => JSON.stringify(JSON.parse(line).cause));
    expect(new Set(causes).size).toBe(unique.length);
    const order = unique.map((line) => JSON.parse(line).cause as [string, number, number, number]);
    const sorted = [...order].sort((a, b) => a[2] - b[2] || a[3] - b[3]);
    expect(order).toEqual(sorted);
  });
});

describe('time', () => {
  it('behavior: TimePassed is appended while a timer is due, at most once a second', async () => {
    await append(0, given('a', 'wake 2500'), given('b', 'wake 2500'), given('c', 'wake 2500'));
    await start();
    await pass(2000);
    expect(await payments()).toEqual(['PayerFrozen', 'PayerFrozen', 'PayerFrozen']);
    await pass(1100);
    // Two are taken at once; the third one is due a second later.
    expect((await payments()).slice(3)).toEqual(['TimePassed']);
    expect(await told()).toHaveLength(2);
    await pass(5000);
    expect((await payments()).slice(3)).toEqual(['TimePassed', 'TimePassed']);
    expect(await told()).toHaveLength(3);
  });

  it('behavior: a new owner finds the timers of the one before', async () => {
    const openStore = machine();
    await append(0, given('a', 'wake 60000'));
    const first = await start({ openStore });
    await pass(300);
    await first.close();
    nowMs += 3_600_000;
    await start({ openStore });
    await pass(1500);
    expect(await told()).toMatchObject([expect.stringContaining('woke at')]);
  });

  it('behavior: one that was not folded yet is not asked for again', async () => {
    let isHeld = true;
    const createSink = (): Sink<LogOutput> => {
      const sink = createLogSink(log, tally.name);
      return {
        ...sink,
        write: async (outputs, partition) => {
          while (isHeld) await new Promise((resolve) => setTimeout(resolve, 50));
          await sink.write(outputs, partition);
        },
      };
    };
    await append(0, given('a', 'wake 0'), given('a', 'add 20001'));
    await start({ createSink });
    await pass(5000);
    expect((await payments()).slice(2)).toEqual(['TimePassed']);
    isHeld = false;
    await pass(2000);
    expect((await payments()).slice(2)).toEqual(['TimePassed']);
    expect((await told()).at(-1)).toContain('woke at');
  });
});

describe('snapshots', () => {
  const snapshots = { topic: 'snapshots-verifier', intervalMs: 1000 } as const;

  it('behavior: another machine goes on from the one that was handed over', async () => {
    await append(0, given('a', 'add 3'));
    const first = await start({ snapshots });
    await pass(300);
    await first.close();
    await append(0, given('a', 'sum'));
    await start({ snapshots });
    await pass(300);
    const lines = await told();
    expect(lines).toHaveLength(4);
    expect(lines[3]).toContain('n/eip155:1:a=1/3');
  });

  it('behavior: they are written on a period, and only when something moved', async () => {
    await start({ snapshots });
    await append(0, given('a', 'add 1'));
    await pass(5000);
    const written = await log.offsets({ topic: 'snapshots-verifier.1', partition: 0 });
    expect(written.next).toBe(2);
  });
});

describe('the driver', () => {
  it('behavior: it hears of outputs, sees the state, and appends to the input', async () => {
    const heard: string[] = [];
    await append(0, given('a', 'add 1'));
    await start({
      createDriver: ({ partition, state, append: propose }) => ({
        onFolded: (outputs) => {
          const entity = state.get<{ count: number }>('n/eip155:1:a');
          heard.push(`${partition}: ${outputs.length} out, count ${entity?.count}`);
          if (entity?.count === 1) {
            const event = eventGiven(given('a', 'add 2'));
            void propose([{ key: 'eip155:1:a', event }]);
          }
        },
        close: async () => {
          heard.push(`${partition}: closed`);
        },
      }),
    });
    await pass(300);
    await runtimes.pop()?.close();
    expect(heard.filter((line) => line.startsWith('0'))).toEqual([
      '0: 1 out, count 1',
      '0: 2 out, count 2',
      '0: closed',
    ]);
    expect(await payments()).toEqual(['PayerFrozen', 'PayerFrozen']);
  });
});
