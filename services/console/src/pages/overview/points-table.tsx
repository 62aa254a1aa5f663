import { formatCount, formatShare } from '../../format/count.js';
import { type Column, LedgerTable } from '../../parts/ledger-table.js';
import { MoneyText } from '../../parts/money-text.js';
import type { ChartPoint } from './chart-points.js';

/** The chart's figures as a table, newest first: exact, and readable without seeing the bars. */
export function PointsTable(props: {
  readonly points: readonly ChartPoint[];
  readonly asset: string;
  readonly decimals: number;
}) {
  const { points, asset, decimals } = props;
  const columns: readonly Column<ChartPoint>[] = [
    { title: 'When', cell: ({ label }) => label },
    { title: 'Challenges', isFigure: true, cell: (point) => formatCount(point.challenges) },
    { title: 'Paid crawls', isFigure: true, cell: (point) => formatCount(point.paid) },
    {
      title: 'Conversion',
      isFigure: true,
      cell: ({ paid, challenges }) => formatShare(paid, challenges),
    },
    {
      title: 'Charged',
      isFigure: true,
      cell: ({ charged }) => <MoneyText money={{ asset, amount: charged.toString(), decimals }} />,
    },
  ];
  return (
    <LedgerTable
      caption="Challenges, paid crawls and revenue"
      columns={columns}
      rows={points.toReversed()}
      keyOf={({ key }) => key}
    />
  );
}
