import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import type { Store } from '@paycrawl/fold/store';
import { admission } from '@paycrawl/verifier/admission/decide';
import type { Admission, AdmissionOutput } from '@paycrawl/verifier/admission/state';
import { deliveredOf, fundsOf, proofOf, randomAddress } from '../admission-records.js';
import { openFolding } from '../steps/fold-events.js';

/** Entities of one kind in the stores: how many, and bytes of key and value. */
export interface StoredKind {
  readonly kind: string;
  readonly count: number;
  readonly bytes: number;
}

/** What the stores of a verifier that does not run hold. */
export function storedKinds(stores: Iterable<Store>): StoredKind[] {
  const kinds = new Map<string, { count: number; bytes: number }>();
  for (const store of stores) {
    for (const [key, value] of store.snapshot().entries) {
      const kind = kindOf(key, () => store.get(key) as Admission);
      const before = kinds.get(kind) ?? { count: 0, bytes: 0 };
      kinds.set(kind, {
        count: before.count + 1,
        bytes: before.bytes + key.length + value.length,
      });
    }
  }
  return [...kinds].map(([kind, sums]) => ({ kind, ...sums }));
}

function kindOf(key: string, value: () => Admission): string {
  if (key.startsWith('p/')) return 'account';
  if (key.startsWith('n/')) return `nonce, ${value().status}`;
  return key.startsWith('~t/') ? 'timer' : 'other';
}

/** Heap of one of each while it is in memory, as the fold makes it of records that it decodes. */
export interface HeapFigures {
  readonly payerBytes: number;
  readonly holdBytes: number;
  readonly chargedBytes: number;
}

const told = 20_000;

export function measureHeap(): HeapFigures {
  const folding = openFolding<AdmissionOutput>(admission, Date.now());
  const addresses = Array.from({ length: told }, randomAddress);
  const proofs = addresses.map((from, i) => proofOf(from, i));
  const fundsBytes = encoded(addresses.map(fundsOf));
  const proofsBytes = encoded(proofs);
  const deliveriesBytes = encoded(proofs.map(({ data }) => deliveredOf(data)));
  const perOne = (values: readonly Buffer[]): number => {
    const before = heapBytes();
    for (const value of values) {
      const read = decodeEvent(value);
      if (read.kind !== 'event') throw fail('bench_failed', read.detail);
      folding.feed([read.event]);
    }
    return (heapBytes() - before) / told;
  };
  const payerBytes = perOne(fundsBytes);
  const holdBytes = perOne(proofsBytes);
  return { payerBytes, holdBytes, chargedBytes: holdBytes + perOne(deliveriesBytes) };
}

function encoded(events: readonly Pick<AnyEvent, 'type' | 'data'>[]): Buffer[] {
  return events.map((event, i) =>
    encodeEvent({ ...event, id: `bench/${i}`, source: 'bench', timeMs: Date.now() } as AnyEvent),
  );
}

let collect: (() => void) | undefined;

/** What is left after garbage was collected. */
function heapBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
