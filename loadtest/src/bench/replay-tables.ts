import type { ReplayFile } from '../bench-replay-cli.js';
import { countText, type FigureTable } from '../figure-table.js';

export function replayTables({ admission, settlement = [], rebuild }: ReplayFile): FigureTable[] {
  const { recordsPerS, factsPerS, rowsPerS, cpuUs, records } = rebuild;
  return [
    {
      head: [
        'replay of the log into',
        'records a second',
        'facts a second',
        'rows a second',
        'goal',
      ],
      rows: [
        ['the fold of admission', countText(admission.eventsPerS), '', '', '100,000 records'],
        ...settlement.map(({ chargesPerS, eventsPerS }) => {
          const what = `the fold of settlement, ${countText(chargesPerS)} charges a second`;
          return [what, countText(eventsPerS), '', '', '100,000 records'];
        }),
        ['ClickHouse', ...[recordsPerS, factsPerS, rowsPerS].map(countText), '200,000 facts'],
      ],
      notes: [
        `ClickHouse: ${countText(records)} records by the tool that rebuilds the projection, ${cpuUs.toFixed(1)} µs of processor time each, the engine in the same process. A fact is what is counted; rows are those of all tables.`,
      ],
    },
  ];
}
