import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router';
import type { RevenueBy } from '../../api/answers.js';
import { readRevenue } from '../../api/paycrawl-api.js';
import { liveOf } from '../../live/live-revenue.js';
import { useLiveRevenue } from '../../live/use-live-revenue.js';
import { ProblemNote } from '../../parts/notes.js';
import { PageHead } from '../../parts/page-head.js';
import { useSignedIn } from '../../session/session-context.js';
import { usePublisher } from '../use-publisher.js';
import { ByName } from './by-name.js';
import { LiveHead } from './live-head.js';
import { OverTime } from './over-time.js';
import classes from './overview-page.module.css';
import { type ChosenPeriod, periodOf } from './period.js';
import { PeriodChoice } from './period-choice.js';

/** The charts follow the live figure at this distance; it keeps the API's work small. */
const refetchMs = 10_000;

export function OverviewPage() {
  const publisher = usePublisher();
  const [params] = useSearchParams();
  const chosen = periodOf(params, Date.now());
  const live = useLiveRevenue(publisher);
  const byTime = useRevenue(publisher, chosen.isHourly ? 'hour' : 'day', chosen);
  const byCrawler = useRevenue(publisher, 'crawler', chosen);
  const byPath = useRevenue(publisher, 'path', chosen);
  if (live.status === 'stopped' && [403, 404].includes(live.problem.status)) {
    return (
      <>
        <PageHead title="Overview" />
        <ProblemNote problem={live.problem} />
      </>
    );
  }
  const queries = [byTime, byCrawler, byPath];
  if ('problem' in live && liveOf(live) === null && queries.every(hasNothing)) {
    const askAgain = () => {
      for (const query of queries) void query.refetch();
    };
    return (
      <>
        <PageHead title="Overview" />
        <ProblemNote problem={live.problem} onRetry={askAgain} />
      </>
    );
  }
  return (
    <div className={classes.page}>
      <LiveHead publisher={publisher} live={live} />
      <PeriodChoice chosen={chosen} />
      <OverTime query={byTime} chosen={chosen} />
      <div className={classes.pair}>
        <ByName title="By crawler" member="crawler" query={byCrawler} {...{ publisher, chosen }} />
        <ByName title="By path" member="path" query={byPath} {...{ publisher, chosen }} />
      </div>
    </div>
  );
}

/** One word for the whole page where every part of it failed. */
function hasNothing(query: UseQueryResult): boolean {
  return query.data === undefined && query.error !== null;
}

function useRevenue(publisher: string, by: RevenueBy, { period }: ChosenPeriod) {
  const { token } = useSignedIn();
  return useQuery({
    queryKey: ['revenue', publisher, by, period],
    queryFn: ({ signal }) => readRevenue({ token, signal }, publisher, by, period),
    refetchInterval: refetchMs,
    placeholderData: keepPreviousData,
  });
}
