import { setTimeout as delay } from 'node:timers/promises';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { payerId } from '@paycrawl/events/ids';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { encodePaymentSignatureHeader } from '@x402/core/http';
import { expect } from 'vitest';
import { devnetNetwork, partitionsOf, readEvents } from '../../testing/log-view.js';
import { runOperator } from '../../testing/run-command.js';
import { separatePublisher } from '../../testing/separate-services.js';
import { offerOf, openVisitor, refusalOf, signed } from '../../testing/visitor.js';
import { drawn, type FaultCase, type FaultContext, type FaultRow } from '../fault.js';
import type { FaultPlatform } from '../platform.js';

const effectWithinMs = 1_000;

export const freezes: FaultRow = {
  name: 'freeze and unfreeze',
  mustHold: 'takes effect as an event within 1 s; accepted work still settles',
  cases: () => [payer, publisher, signer],
};

const payer: FaultCase = {
  name: 'payer',
  timeoutMs: 120_000,
  statuses: ['403'],
  run: async (context) => {
    const { address, privateKey } = drawn(context.platform.people.crawlers, context);
    const buyer = startBuyer(context.platform, { address, privateKey });
    return frozenFor(context, buyer, ['payer', address], 'payer_frozen');
  },
};

const publisher: FaultCase = {
  name: 'publisher',
  timeoutMs: 120_000,
  statuses: ['403'],
  run: async (context) => {
    const buyer = startBuyer(context.platform, drawn(context.platform.people.crawlers, context));
    return frozenFor(context, buyer, ['publisher', separatePublisher], 'publisher_frozen');
  },
};

async function frozenFor(
  context: FaultContext,
  buyer: Buyer,
  target: readonly [kind: string, id: string],
  refusal: string,
) {
  const { platform, limitMs } = context;
  const eventually = { timeout: limitMs(30_000), interval: 20 };
  try {
    await expect.poll(() => buyer.served.length, eventually).toBeGreaterThan(3);
    const frozenAt = await told(platform, 'freeze', ...target);
    await expect.poll(() => buyer.refused, eventually).toContain(refusal);
    const acceptedBefore = new Set(platform.watch.charged);
    // Whatever was accepted ends while it is frozen.
    const open = () => [...acceptedBefore].filter((id) => !platform.watch.ended.has(id)).length;
    await expect.poll(open, { timeout: limitMs(60_000), interval: 100 }).toBe(0);
    const effectMs = (buyer.served.findLast((at) => at > frozenAt) ?? frozenAt) - frozenAt;
    expect(effectMs).toBeLessThan(limitMs(effectWithinMs));
    const servedFrozen = buyer.served.length;
    const freeAt = await told(platform, 'unfreeze', ...target);
    await expect.poll(() => buyer.served.length, eventually).toBeGreaterThan(servedFrozen);
    const freedMs = Math.max(0, (buyer.served[servedFrozen] ?? 0) - freeAt);
    expect(freedMs).toBeLessThan(limitMs(effectWithinMs));
    return {
      note:
        `the last page ${Math.round(effectMs)} ms after its record, ` +
        `the first one ${Math.round(freedMs)} ms after unfreeze; ` +
        `${acceptedBefore.size} charges settled meanwhile`,
    };
  } finally {
    await buyer.end();
  }
}

const signer: FaultCase = {
  name: 'signer',
  timeoutMs: 180_000,
  run: async (context) => {
    const { platform, limitMs } = context;
    const eventually = { timeout: limitMs(60_000), interval: 100 };
    const { address } = drawn(platform.people.crawlers, context);
    const key = payerId(devnetNetwork, address.toLowerCase());
    const partition = partitionForKey(
      key,
      await partitionsOf(platform.log, physicalTopic('charges')),
    );
    const lane = await signerOf(platform, partition);
    const lanes = followLanes(platform);
    try {
      const frozenAt = await told(platform, 'freeze', 'signer', lane);
      const seals = () => lanes.sealedAt.get(lane) ?? [];
      // Sealed batches end, charges of the others end, and here they wait.
      await expect.poll(() => lanes.inFlight(lane), eventually).toBe(0);
      const others = () =>
        [...lanes.sealedAt].filter(([one]) => one !== lane).flatMap(([, times]) => times).length;
      const sealedByOthers = others();
      await expect.poll(others, eventually).toBeGreaterThan(sealedByOthers + 3);
      const lastSealMs = Math.max(0, (seals().at(-1) ?? frozenAt) - frozenAt);
      expect(lastSealMs).toBeLessThan(limitMs(effectWithinMs));
      const sealedBefore = seals().length;
      const waiting = [...platform.watch.charged].filter((id) => !platform.watch.ended.has(id));
      expect(waiting.length).toBeGreaterThan(0);
      const freeAt = await told(platform, 'unfreeze', 'signer', lane);
      await expect.poll(() => seals().length, eventually).toBeGreaterThan(sealedBefore);
      const freedMs = Math.max(0, (seals()[sealedBefore] ?? 0) - freeAt);
      const open = () => waiting.filter((id) => !platform.watch.ended.has(id)).length;
      await expect.poll(open, eventually).toBe(0);
      return {
        note:
          `the last batch sealed ${Math.round(lastSealMs)} ms after its record, the first one ` +
          `${Math.round(freedMs)} ms after unfreeze; ${waiting.length} open charges settled then`,
      };
    } finally {
      lanes.end();
    }
  },
};

async function signerOf({ log }: FaultPlatform, partition: number): Promise<string> {
  for (const event of await readEvents(log, 'settlements')) {
    if (event.type !== 'BatchSealed') continue;
    if (event.data.batchId.startsWith(`b${partition}-`)) return event.data.signer;
  }
  return expect.unreachable(`partition ${partition} has sealed nothing yet`);
}

/** Batches by the signer that they are of, with when their sealing was seen from beside. */
function followLanes({ watch }: FaultPlatform) {
  const sealedAt = new Map<string, number[]>();
  const open = new Map<string, string>();
  const end = watch.onEvent((event) => {
    if (event.type === 'BatchSealed') {
      const { batchId, signer: of } = event.data;
      sealedAt.set(of, [...(sealedAt.get(of) ?? []), Date.now()]);
      open.set(batchId, of);
    } else if (event.type === 'BatchConfirmed' || event.type === 'BatchLost') {
      open.delete(event.data.batchId);
    }
  });
  const inFlight = (lane: string) => [...open.values()].filter((of) => of === lane).length;
  return { sealedAt, inFlight, end };
}

/** Runs the command; resolves to the log time of the first record that it wrote. */
async function told(
  { log, environment }: FaultPlatform,
  verb: 'freeze' | 'unfreeze',
  kind: string,
  id: string,
): Promise<number> {
  const ran = await runOperator('freeze', [verb, kind, id, '--reason', 'the matrix'], environment);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  const places = [...ran.stdout.matchAll(/(\S+)\[(\d+)\]:(\d+)/g)];
  expect(places.length).toBeGreaterThan(0);
  // The last one: from it on it holds everywhere.
  const times = places.map(async ([, topic = '', partition = '', offset = '']) => {
    const place = { topic, partition: Number.parseInt(partition, 10) };
    return (await log.read(place, Number.parseInt(offset, 10), 1))[0]?.timestampMs ?? 0;
  });
  return Math.max(...(await Promise.all(times)));
}

interface Buyer {
  /** Times of pages, Unix ms. */
  readonly served: readonly number[];
  readonly refused: readonly string[];
  end(): Promise<void>;
}

/** Buys one page after the other with a published client's proofs, and tells why it got none. */
function startBuyer({ till }: FaultPlatform, wallet: Wallet): Buyer {
  const visitor = openVisitor(till);
  const served: number[] = [];
  const refused: string[] = [];
  let isOn = true;
  const buy = async (path: string) => {
    const asked = await visitor.visit({ path });
    if (asked.status !== 402) return asked;
    const proof = encodePaymentSignatureHeader(await signed(wallet, offerOf(asked)));
    return visitor.present(proof, { path });
  };
  const buying = (async () => {
    for (let i = 0; isOn; i += 1) {
      const page = await buy(`/articles/frozen-${i % 10}.html`);
      if (page.status === 200) served.push(Date.now());
      else refused.push(refusalOf(page));
      await delay(10);
    }
  })();
  return {
    ...{ served, refused },
    async end() {
      isOn = false;
      await buying;
      visitor.close();
    },
  };
}
