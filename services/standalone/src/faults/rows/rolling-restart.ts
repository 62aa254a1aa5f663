import { type EventOfType, encodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { defaultPriceBook } from '@paycrawl/pricing/price-book';
import { expect } from 'vitest';
import type { ServiceName } from '../../processes/start-service.js';
import { partitionsOf } from '../../testing/log-view.js';
import { separatePublisher } from '../../testing/separate-services.js';
import type { FaultCase, FaultContext, FaultRow } from '../fault.js';
import { decodeNewer, newerRelease, releaseOf } from '../newer-release.js';
import type { FaultPlatform } from '../platform.js';
import { inSeconds, until, workGap } from '../work.js';

export const rollingRestart: FaultRow = {
  name: 'rolling restart with SIGTERM',
  mustHold: 'not one failed request; a new rule and a newer event take effect by their records',
  cases: () => [everything],
};

const oldPrice = { text: 'USD 0.002', atomic: 2_000n };
const newPrice = { text: 'USD 0.001', atomic: 1_000n };
const effectWithinMs = 10_000;
/** Of the release that is rolled out: another rule of admission than before. */
const newRule = { variable: 'ADMISSION_WAITING_PROOFS_MAX', value: 17 };
const release = { ...newerRelease, [newRule.variable]: String(newRule.value) };
/**
 * The event whose version rises is written to `decisions` by the verifiers: whoever reads it there
 * comes first, as docs/operations.md ("A new release") has it for every topic.
 */
const readersThenWriters: readonly ServiceName[] = [
  'analytics',
  'metering',
  'settlement',
  'ingress',
  'verifier',
];

/**
 * Every instance goes to the next release (testing/newer-version.ts), while those whose turn has
 * not come run today's program beside it: it writes `ChargePosted` in a version that today's does
 * not know, reads both through its upcaster, and brings another rule of admission, in force in a
 * partition from the record on that its owner appends (`AdmissionSettingsChanged`). Besides, the
 * log holds a price book as a release long ago wrote it. Afterwards no program of today can read
 * this log; so the platform is the case's own.
 */
const everything: FaultCase = {
  name: 'every instance in turn, to a new rule and a newer event version',
  timeoutMs: 180_000,
  platform: { decode: decodeNewer },
  audit: newerRelease,
  run: async (context) => {
    const { platform, load, limitMs } = context;
    await appendOldPriceBook(platform);
    await chargedAt(context, oldPrice.atomic);
    const rules = followRules(platform);
    const charges = followCharges(platform);
    const beganMs = performance.now();
    const before = load.figures();
    const instances = await replaceAll(context, charges);
    const partitions = await partitionsOf(platform.log, physicalTopic('payments'));
    await until(() => rules.size === partitions, limitMs(effectWithinMs), 'a rule is not in force');
    const replacedMs = performance.now();
    await replacePriceBook(platform);
    await chargedAt(context, newPrice.atomic);
    const effectMs = performance.now() - replacedMs;
    await leftBehind(context);
    const after = load.figures();
    const gapMs = load.gapSince(beganMs);
    expect(after.statuses['503'] ?? 0).toBe(before.statuses['503'] ?? 0);
    expect(after.broken).toEqual(before.broken);
    expect(after.refusals).toEqual(before.refusals);
    expect(await deadLetters(platform)).toBe(0);
    return {
      gapMs,
      note:
        `${instances} instances, 0 of ${after.requests - before.requests} requests failed; ` +
        `${charges.present} charges of the old version (${charges.presentLate} beside the new ` +
        `one), ${charges.newer} of the new one; rule in ${rules.size} partitions; ` +
        `new price charged ${inSeconds(effectMs)} after its record`,
    };
  },
};

/** How many there were; an instance's turn comes when every crawler went on after the last one. */
async function replaceAll(
  { platform, load, limitMs }: FaultContext,
  charges: ChargesByRelease,
): Promise<number> {
  const members = platform.fleet.members().filter((one) => !one.isGone());
  const inOrder = readersThenWriters.flatMap((service) =>
    members.filter((member) => member.service === service),
  );
  expect(inOrder.length).toBe(members.length);
  for (const { instance, service } of inOrder) {
    const ending = await platform.member(instance).stop();
    expect(ending, instance).toEqual({ code: 0, signal: null });
    await platform.start(instance, release);
    // Between the first verifier and the last, partitions of each version are written.
    const isWriter = service === 'verifier';
    await load.morePages(isWriter ? 5 : 2, limitMs(30_000));
    if (!isWriter) expect(charges.newer).toBe(0);
  }
  await until(() => charges.newer > 0, limitMs(30_000), 'no charge of the newer version');
  expect(charges.present).toBeGreaterThan(0);
  return inOrder.length;
}

interface ChargesByRelease {
  present: number;
  /** Those of them that came when the newer release wrote already. */
  presentLate: number;
  newer: number;
}

function followCharges({ watch }: FaultPlatform): ChargesByRelease {
  const charges: ChargesByRelease = { present: 0, presentLate: 0, newer: 0 };
  watch.onEvent((event) => {
    const writer = releaseOf(event);
    if (writer === undefined) return;
    charges[writer] += 1;
    if (writer === 'present' && charges.newer > 0) charges.presentLate += 1;
  });
  return charges;
}

/** Today's program meets a record of the next release: it stops, and costs nobody anything. */
async function leftBehind({ platform, load, limitMs }: FaultContext): Promise<void> {
  const old = await platform.fleet.start('metering', 'metering-2');
  await until(old.isGone, limitMs(30_000), 'an old reader goes on');
  expect(await old.ended()).toEqual({ code: 1, signal: null });
  expect(await old.log()).toContain('fold_unknown_version');
  await workGap('metering', { platform, load, limitMs });
}

async function deadLetters({ log }: FaultPlatform): Promise<number> {
  const { next } = await log.offsets({ topic: physicalTopic('dead-letters'), partition: 0 });
  return next;
}

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
