import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbLog, openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import { decodeEvent, type EventOfType, type EventType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic, type TopicName, topicConfigs } from '@paycrawl/events/topics';
import { createHealth } from '@paycrawl/service-kit/health';
import { createLogger } from '@paycrawl/service-kit/logger';
import { createMetrics } from '@paycrawl/service-kit/metrics';
import { watchProgress } from '@paycrawl/service-kit/progress';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chargePosted, charges, settled } from './books/decide.given.js';
import { loadMeteringConfig } from './config.js';
import { type Metering, startMetering } from './service.js';

let directory: string;
let log: LmdbLog;
let running: Metering[] = [];
let fatal: unknown[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-metering-'));
  log = openLmdbLog({ directory: join(directory, 'log') });
  await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 3_600_000));
  running = [];
  fatal = [];
});

afterEach(async () => {
  for (const metering of running) await metering.close();
  await log.close();
  await rm(directory, { recursive: true });
});

async function start(env: Record<string, string> = {}, machine = 'metering') {
  const metrics = createMetrics({ service: 'metering' });
  const metering = await startMetering({
    log,
    storeDirectory: join(directory, machine),
    config: loadMeteringConfig({ METERING_CHECKPOINT_INTERVAL_MS: '10', ...env }),
    logger: createLogger({ service: 'metering' }),
    metrics,
    clock: Date.now,
    onFatal: (error) => fatal.push(error),
  });
  running.push(metering);
  return { metering, metrics };
}

async function decide<Type extends EventType>(type: Type, data: EventOfType<Type>['data']) {
  const event = { type, id: 'test', source: 'test', timeMs: 1, data } as EventOfType<Type>;
  const place = { topic: physicalTopic('decisions'), partition: 0 };
  await log.producer().append([{ ...place, key: 'k', value: encodeEvent(event) }]);
}

async function written(topic: TopicName): Promise<unknown[]> {
  const records = await log.read({ topic: physicalTopic(topic), partition: 0 }, 0, 1000);
  return records.map(({ value }) => {
    const decoded = decodeEvent(value);
    return decoded.kind === 'event' ? decoded.event : decoded;
  });
}

async function caughtUp({ metering }: { metering: Metering }): Promise<void> {
  await expect
    .poll(async () => {
      const [progress] = await metering.progress();
      return progress !== undefined && progress.storedOffset === progress.logNextOffset;
    })
    .toBe(true);
}

describe('metering on the embedded log', () => {
  it('behavior: a posted charge is in the ledger and due, with the decision as its cause', async () => {
    const service = await start();
    await decide('ChargePosted', chargePosted(1));
    await caughtUp(service);
    const cause = (index: number) => ['decisions.1', 0, 0, index];
    expect(await written('ledger')).toMatchObject([
      { type: 'LedgerPosted', cause: cause(0), source: 'metering' },
    ]);
    expect(await written('charges')).toMatchObject([{ type: 'ChargeDue', cause: cause(1) }]);
  });

  it('behavior: a restart goes on with the same books; another machine has them too', async () => {
    const first = await start();
    await decide('ChargePosted', chargePosted(1));
    await caughtUp(first);
    await first.metering.close();
    await decide('ChargeInFlight', charges.inFlight(1));
    const second = await start();
    await caughtUp(second);
    await second.metering.close();
    await decide('ChargeSettled', settled(1));
    await caughtUp(await start({}, 'another-machine'));
    expect(await written('ledger')).toMatchObject([
      { data: { moment: 'charge_posted' } },
      { data: { moment: 'charge_in_flight' } },
      { data: { moment: 'charge_settled' } },
    ]);
    expect(fatal).toEqual([]);
  });

  it('behavior: the configured fee comes into force by a record, once', async () => {
    const service = await start({ PLATFORM_FEE_BPS: '100' });
    await expect.poll(() => written('decisions')).toHaveLength(1);
    await caughtUp(service);
    for (const [type, data] of [
      ['ChargePosted', chargePosted(1)],
      ['ChargeInFlight', charges.inFlight(1)],
      ['ChargeSettled', settled(1)],
    ] as const) {
      await decide(type, data);
    }
    await caughtUp(service);
    expect((await written('ledger')).at(-1)).toMatchObject({
      data: { moment: 'platform_fee', entries: [{ amount: '10' }, { amount: '10' }] },
    });
    await service.metering.close();
    await caughtUp(await start({ PLATFORM_FEE_BPS: '100' }));
    expect(await written('decisions')).toHaveLength(4);
  });

  it('error: ledger_charge_out_of_order stops before anything wrong is written', async () => {
    await start();
    await decide('ChargePosted', chargePosted(1));
    // Outputs wait a moment for company; what is not written yet when the fold stops is folded again.
    await expect.poll(() => written('ledger')).toHaveLength(1);
    await decide('ChargePosted', chargePosted(1));
    await expect.poll(() => fatal).toMatchObject([{ code: 'ledger_charge_out_of_order' }]);
    expect(await written('ledger')).toHaveLength(1);
  });

  it('behavior: lag is measured, and the probe fails only where nothing moves', async () => {
    const service = await start();
    await decide('ChargePosted', chargePosted(1));
    await caughtUp(service);
    expect(await service.metrics.render()).toContain(
      'paycrawl_fold_lag_records{fold="metering",topic="decisions.1",partition="0",service="metering"} 0',
    );
    let nowMs = 0;
    const health = createHealth({ nowMs: () => nowMs });
    const stuck = { storedOffset: 3, logNextOffset: 5, partition: 0 };
    watchProgress(health, 'metering', {
      ...{ stalledAfterMs: 1000, progress: async () => [stuck] },
    });
    await health.live();
    expect(await health.live()).toMatchObject({ status: 'ok' });
    nowMs = 1001;
    expect(await health.live()).toMatchObject({ status: 'failing' });
  });
});
