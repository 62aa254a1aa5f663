import '@mantine/core/styles/ColorSwatch.css';
import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { formatCount, formatShare, plural } from '../../format/count.js';
import { formatMoney } from '../../format/money.js';
import type { ChartPoint } from './chart-points.js';
import classes from './time-chart.module.css';

/** What the bars of one point are drawn from, beside the exact figures that the words are. */
interface Drawn {
  readonly label: string;
  readonly point: ChartPoint;
  readonly charged: number;
  readonly challenges: number;
  readonly paid: number;
}

export function TimeChart(props: {
  readonly points: readonly ChartPoint[];
  readonly asset: string;
  readonly decimals: number;
  readonly symbol: string;
  readonly view: 'revenue' | 'conversion';
}) {
  const { points, asset, decimals, symbol, view } = props;
  const isRevenue = view === 'revenue';
  const wordsOf = (atomic: bigint) =>
    formatMoney({ asset, amount: atomic.toString(), decimals }, symbol);
  const data: Drawn[] = points.map((point) => ({
    label: point.label,
    point,
    // The height of a bar in pixels comes from it and nothing else; words use `point.charged`.
    charged: Number(point.charged),
    challenges: point.challenges,
    paid: point.paid,
  }));
  // Ticks are round numbers that the chart chose, whole atomic units by `allowDecimals`.
  const tickOf = (tick: number) =>
    isRevenue
      ? wordsOf(BigInt(Math.round(tick))).replace(` ${symbol}`, '')
      : formatCount(Math.round(tick));
  return (
    <figure className={classes.figure} aria-label={summaryOf(points, isRevenue, wordsOf)}>
      <BarChart
        h="100%"
        data={data}
        dataKey="label"
        series={isRevenue ? revenueSeries : conversionSeries}
        withLegend={!isRevenue}
        legendProps={{ verticalAlign: 'top', height: 34 }}
        gridAxis="x"
        tickLine="none"
        strokeDasharray="1 4"
        barProps={{ radius: [2, 2, 0, 0], maxBarSize: 34, isAnimationActive: false }}
        xAxisProps={{ minTickGap: 26, tickMargin: 8 }}
        yAxisProps={{ width: isRevenue ? 78 : 56, allowDecimals: false, tickFormatter: tickOf }}
        tooltipAnimationDuration={0}
        tooltipProps={{
          wrapperStyle: { zIndex: 1 },
          content: ({ payload }) => {
            const [first] = payload ?? [];
            const drawn: Drawn | undefined = first?.payload;
            return drawn === undefined ? null : <Tip point={drawn.point} wordsOf={wordsOf} />;
          },
        }}
      />
    </figure>
  );
}

const revenueSeries = [{ name: 'charged', color: 'var(--bar)' }];
const conversionSeries = [
  { name: 'challenges', label: 'Challenges', color: 'var(--ochre-bar)' },
  { name: 'paid', label: 'Paid crawls', color: 'var(--bar)' },
];

function Tip(props: { readonly point: ChartPoint; readonly wordsOf: (atomic: bigint) => string }) {
  const { point, wordsOf } = props;
  return (
    <div className={classes.tip}>
      <strong>{point.label}</strong>
      <span>{wordsOf(point.charged)}</span>
      <span className="quiet">
        {plural(point.paid, 'paid crawl', 'paid crawls')} of{' '}
        {plural(point.challenges, 'challenge', 'challenges')},{' '}
        {formatShare(point.paid, point.challenges)}
      </span>
    </div>
  );
}

function summaryOf(
  points: readonly ChartPoint[],
  isRevenue: boolean,
  wordsOf: (atomic: bigint) => string,
): string {
  const ends = `${points[0]?.label ?? ''} to ${points.at(-1)?.label ?? ''}`;
  if (!isRevenue) return `Challenges and paid crawls, ${ends}. The table view has the figures.`;
  const sum = points.reduce((total, { charged }) => total + charged, 0n);
  return `Revenue, ${ends}: ${wordsOf(sum)} in all. The table view has the figures.`;
}
