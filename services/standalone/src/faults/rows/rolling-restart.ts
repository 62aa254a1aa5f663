import { type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { expect } from 'vitest';
import { separatePublisher } from '../../testing/separate-services.js';
import type { FaultCase, FaultContext, FaultRow } from '../fault.js';
import type { FaultPlatform } from '../platform.js';
import { inSeconds, until } from '../work.js';

export const rollingRestart: FaultRow = {
  name: 'rolling restart with SIGTERM',
  mustHold: 'not one failed request; a new rule takes effect by its record',
  cases: () => [everything],
};

const oldPrice = { text: 'USD 0.002', atomic: 2_000n };
const newPrice = { text: 'USD 0.001', atomic: 1_000n };
const effectWithinMs = 10_000;
/** Of the version that is rolled out: another rule of admission than before. */
const newRule = { variable: 'ADMISSION_WAITING_PROOFS_MAX', value: 17 };

/**
 * What is old and what is new here: the log holds a price book as the version before wrote it
 * (`PriceBookReplaced.v1`, with a field that is gone), which every instance reads through its
 * upcaster; the new version writes v2, and brings another rule of admission, which is in force in
 * a partition from the record on that its owner appends (`AdmissionSettingsChanged`).
 */
const everything: FaultCase = {
  name: 'every instance in turn, to a new rule and a newer event version',
  timeoutMs: 180_000,
  run: async (context) => {
    const { platform, load, limitMs } = context;
    await appendOldPriceBook(platform);
    await chargedAt(context, oldPrice.atomic);
    const rules = followRules(platform);
    const beganMs = performance.now();
    const before = load.figures();
    const instances = platform.fleet.members().filter((one) => !one.isGone());
    for (const { instance } of instances) {
      const ending = await platform.member(instance).stop();
      expect(ending, instance).toEqual({ code: 0, signal: null });
      await platform.start(instance, { [newRule.variable]: String(newRule.value) });
      await load.morePages(2, limitMs(30_000));
    }
    const partitions = await partitionsOf(platform);
    await until(() => rules.size === partitions, limitMs(effectWithinMs), 'a rule is not in force');
    const replacedMs = performance.now();
    await replacePriceBook(platform);
    await chargedAt(context, newPrice.atomic);
    const effectMs = performance.now() - replacedMs;
    const after = load.figures();
    const gapMs = load.gapSince(beganMs);
    expect(after.statuses['503'] ?? 0).toBe(before.statuses['503'] ?? 0);
    expect(after.broken).toEqual(before.broken);
    return {
      gapMs,
      note:
        `${instances.length} instances, 0 of ${after.requests - before.requests} requests failed; ` +
        `rule in ${rules.size} partitions; new price charged ${inSeconds(effectMs)} after its record`,
    };
  },
};

/** Partitions in which the new rule is in force, from the records that say so. */
function followRules({ watch }: FaultPlatform): ReadonlySet<string> {
  const partitions = new Set<string>();
  watch.onEvent((event) => {
    if (event.type !== 'AdmissionSettingsChanged') return;
    const [, partition = ''] = event.id.split('/');
    if (event.data.waitingProofsMax === newRule.value) partitions.add(partition);
  });
  return partitions;
}

async function partitionsOf({ log }: FaultPlatform): Promise<number> {
  const payments = physicalTopic('payments');
  return (await log.topics()).find(({ name }) => name === payments)?.partitions ?? 0;
}

/** As the version before wrote it: with a fee in the book, which never had an effect. */
async function appendOldPriceBook(platform: FaultPlatform): Promise<void> {
  const { version } = await priceBook(platform);
  const data: EventOfType<'PriceBookReplaced'>['data'] = {
    publisherId: separatePublisher,
    version: version + 1,
    book: { ...defaultPriceBook(oldPrice.text), feeBasisPoints: 0 },
  };
  const id = `rolling-${version + 1}`;
  const timeMs = Date.now();
  const source = 'analytics';
  const text = encodeEvent({ type: 'PriceBookReplaced', id, source, timeMs, data })
    .toString()
    .replace('"PriceBookReplaced.v2"', '"PriceBookReplaced.v1"');
  expect(text).toContain('"PriceBookReplaced.v1"');
  const producer = platform.log.producer();
  const topic = physicalTopic('registry');
  const value = Buffer.from(text);
  await producer.append([{ topic, partition: 0, key: separatePublisher, value }]);
  await producer.close();
}

async function replacePriceBook(platform: FaultPlatform): Promise<void> {
  const { version } = await priceBook(platform);
  const book = defaultPriceBook(newPrice.text);
  await priceBook(platform, { expectedVersion: version, priceBook: book });
}

async function priceBook(platform: FaultPlatform, put?: object): Promise<{ version: number }> {
  const { api, publisher } = await platform.run();
  const answer = await fetch(`${api}/v1/publishers/${publisher.id}/price-book`, {
    headers: { authorization: `Bearer ${publisher.token}`, 'content-type': 'application/json' },
    ...(put === undefined ? {} : { method: 'PUT', body: JSON.stringify(put) }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { version: number };
}

/** Resolves when a charge is posted at this price. */
async function chargedAt({ platform, limitMs }: FaultContext, atomic: bigint): Promise<void> {
  let isCharged = false;
  const leave = platform.watch.onEvent((event) => {
    if (event.type === 'ChargePosted' && BigInt(event.data.amount) === atomic) isCharged = true;
  });
  try {
    await until(() => isCharged, limitMs(effectWithinMs), `no charge of ${atomic}`);
  } finally {
    leave();
  }
}
