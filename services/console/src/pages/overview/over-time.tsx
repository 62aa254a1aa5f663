import { SegmentedControl, Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import type { Revenue, Totals } from '../../api/answers.js';
import { formatCount, formatShare } from '../../format/count.js';
import { symbolOf } from '../../format/words.js';
import { Answered } from '../../parts/answered.js';
import { MoniesText } from '../../parts/money-text.js';
import { EmptyNote } from '../../parts/notes.js';
import { Sheet } from '../../parts/sheet.js';
import { useSignedIn } from '../../session/session-context.js';
import { assetsIn, chartPointsOf } from './chart-points.js';
import classes from './over-time.module.css';
import type { ChosenPeriod } from './period.js';
import { PointsTable } from './points-table.js';

/** The chart library is the largest part of the console, so it comes on its own. */
const TimeChart = lazy(async () => {
  const chart = await import('./time-chart.js');
  return { default: chart.TimeChart };
});

const views = [
  { value: 'revenue', label: 'Revenue' },
  { value: 'conversion', label: 'Conversion' },
  { value: 'table', label: 'Table' },
] as const;
export type View = (typeof views)[number]['value'];

export function OverTime(props: {
  readonly query: UseQueryResult<Revenue>;
  readonly chosen: ChosenPeriod;
}) {
  const { query, chosen } = props;
  const [view, setView] = useState<View>('revenue');
  return (
    <Sheet
      title={chosen.isHourly ? 'By hour' : 'By day'}
      aside={
        <SegmentedControl
          size="xs"
          aria-label="What to show"
          value={view}
          onChange={(value) => setView(views.find((known) => known.value === value)?.value ?? view)}
          data={[...views]}
        />
      }
    >
      <Answered query={query} skeleton={<OverTimeSkeleton />}>
        {(revenue) => (
          <div data-waiting={query.isPlaceholderData}>
            <Steps totals={revenue.total} />
            <Chart revenue={revenue} view={view} />
          </div>
        )}
      </Answered>
    </Sheet>
  );
}

function OverTimeSkeleton() {
  return (
    <>
      <div className={classes.steps}>
        {['charged', 'challenges', 'paid', 'settled', 'refused'].map((step) => (
          <div key={step}>
            <Skeleton height={14} width="60%" mt={4} />
            <Skeleton height={22} width="80%" mt={12} />
            <Skeleton height={12} width="50%" mt={14} />
          </div>
        ))}
      </div>
      <div className={classes.chart}>
        <Skeleton height="100%" />
      </div>
    </>
  );
}

/** From the question to the money: challenges, paid crawls, their share, what was turned away. */
function Steps(props: { readonly totals: Totals }) {
  const { counts, charged, settled } = props.totals;
  const turnedAway = counts.proofsRefused + counts.paymentsRejected;
  return (
    <dl className={classes.steps}>
      <div>
        <dt>Charged</dt>
        <dd className={classes.big} data-testid="charged-in-period">
          <MoniesText monies={charged} />
        </dd>
        <dd className="quiet small">delivered and paid for</dd>
      </div>
      <div>
        <dt>Challenges</dt>
        <dd className={classes.big}>{formatCount(counts.challenges)}</dd>
        <dd className="quiet small">crawlers told the price</dd>
      </div>
      <div>
        <dt>Paid crawls</dt>
        <dd className={classes.big}>{formatCount(counts.charges)}</dd>
        <dd className="quiet small">
          {counts.challenges === 0
            ? 'none was asked to pay'
            : `${formatShare(counts.charges, counts.challenges)} of challenges`}
        </dd>
      </div>
      <div>
        <dt>Settled</dt>
        <dd className={classes.big}>
          <MoniesText monies={settled} />
        </dd>
        <dd className="quiet small">{formatCount(counts.chargesSettled)} charges on chain</dd>
      </div>
      <div>
        <dt>Turned away</dt>
        <dd className={classes.big}>{formatCount(turnedAway)}</dd>
        <dd className="quiet small">
          {formatCount(counts.proofsRefused)} malformed, {formatCount(counts.paymentsRejected)} not
          accepted
        </dd>
      </div>
    </dl>
  );
}

function Chart(props: { readonly revenue: Revenue; readonly view: View }) {
  const { revenue, view } = props;
  const { session } = useSignedIn();
  const assets = assetsIn(revenue, session.assets);
  const [chosen, setChosen] = useState<string | null>(null);
  const asset = assets.find((known) => known === chosen) ?? assets[0] ?? '';
  const info = session.assets.find((known) => known.asset === asset);
  const decimals =
    info?.decimals ?? revenue.total.charged.find((money) => money.asset === asset)?.decimals ?? 0;
  const points = chartPointsOf(revenue, asset);
  const shown = { points, asset, decimals, symbol: symbolOf(session.assets, asset) };
  if (points.every(({ charged, challenges, paid }) => charged === 0n && challenges + paid === 0)) {
    return (
      <div className={classes.chart}>
        <EmptyNote title="Nothing in this period.">
          No crawler met a price then. Choose a longer period, or look at the price book: only
          crawlers that a rule names are asked to pay.
        </EmptyNote>
      </div>
    );
  }
  return (
    <>
      {assets.length > 1 && (
        <SegmentedControl
          size="xs"
          m="sm"
          aria-label="Asset"
          value={asset}
          onChange={setChosen}
          data={assets.map((value) => ({ value, label: symbolOf(session.assets, value) }))}
        />
      )}
      <div className={classes.chart} data-view={view}>
        {view === 'table' ? (
          <PointsTable {...shown} />
        ) : (
          <Suspense fallback={<Skeleton height="100%" />}>
            <TimeChart {...shown} view={view} />
          </Suspense>
        )}
      </div>
    </>
  );
}
