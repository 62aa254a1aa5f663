import type { FoldReplay, ReplayFile } from '../bench-replay-cli.js';
import { countText, type FigureTable } from '../figure-table.js';

export function replayTables({ admission, settlement = [], rebuild }: ReplayFile): FigureTable[] {
  const { recordsPerS, factsPerS, rowsPerS, cpuUs, records } = rebuild;
  return [
    {
      head: [
        'replay of the log into',
        'records a second',
        'on all cores',
        'facts a second',
        'rows a second',
        'goal',
      ],
      rows: [
        ['the fold of admission', ...foldCells(admission)],
        ...settlement.map((one) => {
          const what = `the fold of settlement, ${countText(one.chargesPerS)} charges a second`;
          return [what, ...foldCells(one)];
        }),
        [
          ...['ClickHouse', countText(recordsPerS), ''],
          ...[factsPerS, rowsPerS].map(countText),
          '200,000 facts',
        ],
      ],
      notes: [
        'A fold: one partition on one core; on all cores: a partition on each of them.',
        `ClickHouse: ${countText(records)} records by the tool that rebuilds the projection, ${cpuUs.toFixed(1)} µs of processor time each, the engine in the same process. A fact is what is counted; rows are those of all tables.`,
      ],
    },
  ];
}

function foldCells({ eventsPerS, onAllCores }: FoldReplay): string[] {
  const both = onAllCores === undefined ? '' : countText(onAllCores.eventsPerS);
  return [countText(eventsPerS), both, '', '', '100,000 records'];
}
