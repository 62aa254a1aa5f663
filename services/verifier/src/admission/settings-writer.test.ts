import type { EventOfType } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import { type Specification, specify } from '@paycrawl/fold/specification';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { admission } from './decide.js';
import { type WantedSettings, writeSettings } from './settings-writer.js';
import { type AdmissionOutput, type Settings, settings } from './state.js';

const intervalMs = 500;
const wanted: WantedSettings = { marginS: 30, lossLimit: '1000000', waitingProofsMax: 256 };
type Change = EventOfType<'AdmissionSettingsChanged'>['data'];

let spec: Specification<AdmissionOutput>;
let measuredS: number;
let written: Change[];
/** What is durable and not folded yet. */
let unfolded: Change[];
let failure: Error | undefined;
let errors: unknown[];
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  spec = specify(admission);
  [measuredS, written, unfolded, failure, errors] = [0, [], [], undefined, []];
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

const state = { nowMs: 0, get: <Value>(key: string) => spec.get<Value>(key), range: () => [] };

function start(configured: Partial<WantedSettings> = {}): void {
  const owned: OwnedPartition = {
    partition: 3,
    state,
    append: async (events) => {
      if (failure !== undefined) throw failure;
      for (const { event } of events) {
        const { data } = event as EventOfType<'AdmissionSettingsChanged'>;
        written.push(data);
        unfolded.push(data);
      }
    },
  };
  stop = writeSettings(owned, {
    wanted: { ...wanted, ...configured },
    marginSMax: 450,
    intervalMs,
    measuredMarginS: () => measuredS,
    clock: () => 1,
    onError: (error) => errors.push(error),
  });
}

/** The writer looks, and then the fold reads what was written. */
async function look(times = 1): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await vi.advanceTimersByTimeAsync(intervalMs);
    for (const change of unfolded.splice(0)) spec.feed('AdmissionSettingsChanged', change);
  }
}

async function measure(marginS: number): Promise<Settings> {
  measuredS = marginS;
  await look(3);
  return settings(state);
}

describe('settings of admission', () => {
  it('behavior: what is in force already needs no record', async () => {
    start();
    await look(5);
    expect(written).toEqual([]);
  });

  it('behavior: another configuration is appended once, and stays when an operator differs', async () => {
    start({ marginS: 77, lossLimit: '5' });
    await look(3);
    expect(written).toEqual([{ version: 1, marginS: 77, lossLimit: '5', waitingProofsMax: 256 }]);
    const byOperator = { version: 2, marginS: 200, lossLimit: '6', waitingProofsMax: 1 };
    spec.feed('AdmissionSettingsChanged', byOperator);
    await look(5);
    expect(written).toHaveLength(1);
    expect(settings(state).marginS).toBe(200);
  });

  it('behavior: the margin follows what settlement measured, and leaves limits as they are', async () => {
    start();
    await look();
    const byOperator = { version: 1, marginS: 30, lossLimit: '6', waitingProofsMax: 1 };
    spec.feed('AdmissionSettingsChanged', byOperator);
    const grown = { version: 2, marginS: 65, lossLimit: 6n, waitingProofsMax: 1 };
    expect(await measure(62)).toEqual(grown);
    expect(await measure(57)).toEqual(grown);
    expect(await measure(40)).toMatchObject({ version: 3, marginS: 40 });
    expect(await measure(9_999)).toMatchObject({ version: 4, marginS: 450 });
    expect(await measure(0)).toMatchObject({ version: 5, marginS: 30 });
    expect(written).toHaveLength(4);
  });

  it('behavior: a fold that lags is not flooded with what it will read anyway', async () => {
    start();
    await look();
    measuredS = 62;
    await vi.advanceTimersByTimeAsync(20 * intervalMs);
    expect(written).toHaveLength(1);
    measuredS = 90;
    await vi.advanceTimersByTimeAsync(20 * intervalMs);
    expect(written).toHaveLength(1);
    await look(3);
    expect(settings(state)).toMatchObject({ version: 2, marginS: 90 });
  });

  it('behavior: a record that lost against another owner’s is written again', async () => {
    start();
    await look();
    measuredS = 62;
    await vi.advanceTimersByTimeAsync(intervalMs);
    const other = { version: 1, marginS: 40, lossLimit: '1000000', waitingProofsMax: 256 };
    spec.feed('AdmissionSettingsChanged', other);
    await look(3);
    expect(settings(state)).toMatchObject({ version: 2, marginS: 65 });
  });

  it('behavior: a log that cannot be written is tried again', async () => {
    start();
    await look();
    failure = new Error('disk full');
    await measure(62);
    expect(errors).toHaveLength(3);
    failure = undefined;
    expect(await measure(62)).toMatchObject({ version: 1, marginS: 65 });
  });
});
