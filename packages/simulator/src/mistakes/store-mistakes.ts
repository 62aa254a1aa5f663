import { createHash } from 'node:crypto';
import type { LogRecord } from '@paycrawl/event-log/event-log';
import { decodeEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import type { Fold, LogOutput } from '@paycrawl/fold/fold';
import { applyEvent } from '@paycrawl/fold/partition';
import { createMemoryStore, type Store, type StoredPosition } from '@paycrawl/fold/store';
import { createWorking } from '@paycrawl/fold/view';
import { meteringFold } from '@paycrawl/metering/books/decide';
import { settlementFold } from '@paycrawl/settlement/batches/decide';
import { admission } from '@paycrawl/verifier/admission/decide';
import { Packr } from 'msgpackr';
import type { Place, Planted, Service } from '../planted.js';

const packr = new Packr({ useRecords: false });

interface SnapshotRecord {
  readonly kind: 'chunk' | 'manifest';
  readonly at: number;
  readonly chunks?: number;
  readonly entries?: readonly [string, Buffer][];
}

/** A manifest is believed whatever is left of its chunks: it is made to fit them. */
export const tornSnapshot: Planted = {
  log: (log, { world }) => ({
    ...log,
    async read(place, fromOffset, recordsMax) {
      const records = await log.read(place, fromOffset, recordsMax);
      if (!place.topic.startsWith('snapshots-')) return records;
      const kept = world.broker.all(place);
      return records.map((record) => ({ ...record, value: fitting(record, kept) }));
    },
  }),
};

function fitting(record: LogRecord, kept: readonly LogRecord[]): Buffer {
  const manifest = packr.unpack(record.value) as SnapshotRecord;
  if (manifest.kind !== 'manifest') return record.value;
  const hash = createHash('sha256');
  const chunk = kept
    .map(({ value }) => packr.unpack(value) as SnapshotRecord)
    .findLast(({ kind, at }) => kind === 'chunk' && at === manifest.at);
  for (const [key, value] of chunk?.entries ?? []) hash.update(key).update(value);
  const chunks = chunk === undefined ? 0 : manifest.chunks;
  return Buffer.from(packr.pack({ ...manifest, chunks, hash: hash.digest('hex') }));
}

const folds: Readonly<Record<Service, Fold<LogOutput> | undefined>> = {
  verifier: admission as Fold<LogOutput>,
  metering: meteringFold,
  settlement: settlementFold,
  analytics: undefined,
};

/** The snapshot holds what will be folded, and nobody waits for the outputs of that. */
export const snapshotAhead: Planted = {
  store(store, place) {
    const fold = folds[place.service];
    return fold === undefined ? store : { ...store, snapshot: () => ahead(store, fold, place) };
  },
};

function ahead(
  store: Store,
  fold: Fold<LogOutput>,
  { world, partition }: Place & { readonly partition: number },
): ReturnType<Store['snapshot']> {
  const { position, entries } = store.snapshot();
  const memory = createMemoryStore();
  void memory.replace(position, entries);
  const working = createWorking<LogOutput>(memory);
  let { nextOffset, nowMs } = position;
  for (const record of world.broker.all({ topic: physicalTopic(fold.input), partition })) {
    const decoded = decodeEvent(record.value);
    if (record.offset < nextOffset || decoded.kind !== 'event') continue;
    nowMs = Math.max(nowMs, record.timestampMs);
    working.begin(nowMs);
    applyEvent(fold, working, decoded.event, { ...record, partition });
    working.keep();
    nextOffset = record.offset + 1;
  }
  void memory.write(memory.position(), { nextOffset, nowMs }, working.cut());
  return memory.snapshot();
}

/** Whoever opened it writes into it, wherever somebody else has brought it meanwhile. */
export const sharedStoreUnchecked: Planted = {
  store(store) {
    let own = store.position();
    return {
      ...store,
      position: () => own,
      async replace(position, entries) {
        await store.replace(position, entries);
        own = store.position();
      },
      async write(_expected, next, writes) {
        await store.write(whereItStands(store), next, writes);
        own = next;
      },
    };
  },
};

function whereItStands(store: Store): StoredPosition {
  return {
    nowMs: 0,
    get nextOffset() {
      return store.position().nextOffset;
    },
  };
}
