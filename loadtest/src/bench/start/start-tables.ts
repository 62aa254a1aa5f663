import { countText, type FigureTable, mebibytes, secondsText } from '../../figure-table.js';
import type { NamedStart, StartFigures } from './bench-start.js';

export function startTables(figures: StartFigures): FigureTable[] {
  const { starts, stored, heap, payers, holds } = figures;
  const perPayer = countText(figures.storeBytes / (payers + holds));
  return [
    {
      head: ['start of a verifier', 'ready', 'first decision', 'MiB resident', 'own', 'mapped'],
      rows: starts.map(rowOf),
      notes: [
        `${countText(payers)} payers with a charge each that is not settled, ${countText(holds)} with an open hold; goal: at most 10 s.`,
        'First decision: of a proof of a known payer that waited in the log. After kill -9 the lease of the dead one runs out first (3 s).',
        `State made from the log in ${figures.foldedS.toFixed(1)} s; an orderly stop, with its snapshot, took ${secondsText(figures.stoppedMs)}.`,
      ],
    },
    {
      head: ['in the store', 'how many', 'bytes each, key and value'],
      rows: stored.map(({ kind, count, bytes }) => [
        ...[kind, countText(count), countText(bytes / count)],
      ]),
      notes: [
        `Stores on disk: ${mebibytes(figures.storeBytes)} MiB, ${perPayer} B for each payer with its crawl.`,
      ],
    },
    {
      head: ['while it is in memory', 'bytes of heap'],
      rows: [
        ['payer', countText(heap.payerBytes)],
        ['open hold', countText(heap.holdBytes)],
        ['charged nonce', countText(heap.chargedBytes)],
      ],
      notes: [
        'At most 50,000 entities of each partition are in memory; the others are read again.',
      ],
    },
  ];
}

function rowOf({ what, readyMs, decidedMs, memory }: NamedStart): string[] {
  const sizes = memory === undefined ? [] : [memory.rss, memory.anonymous, memory.file];
  const decided = decidedMs === undefined ? '' : secondsText(decidedMs);
  return [what, secondsText(readyMs), decided, ...sizes.map(mebibytes)];
}
