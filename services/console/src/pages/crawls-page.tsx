import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useSearchParams } from 'react-router';
import type { Crawl } from '../api/answers.js';
import { apiErrorOf } from '../api/api-error.js';
import { type CrawlFilter, readCrawls } from '../api/paycrawl-api.js';
import { addDays, formatDay, isDay } from '../format/time.js';
import { codeTitle } from '../format/words.js';
import { CrawlAmount } from '../parts/crawl-amount.js';
import { type Column, LedgerTable, LedgerTableSkeleton } from '../parts/ledger-table.js';
import { EmptyNote, ProblemNote, StaleNote } from '../parts/notes.js';
import { OlderButton } from '../parts/older-button.js';
import { PageHead } from '../parts/page-head.js';
import { Sheet } from '../parts/sheet.js';
import { StatusMark } from '../parts/status-mark.js';
import { TimeText } from '../parts/time-text.js';
import { useSignedIn } from '../session/session-context.js';
import { CrawlFilters, isEmpty, members } from './crawl-filters.js';
import classes from './crawls-page.module.css';
import { pathOf, usePublisher } from './use-publisher.js';

/** Without a first day the API goes this far back. */
const dayCountDefault = 30;
const refetchMs = 5_000;

export function CrawlsPage() {
  const publisher = usePublisher();
  const [params, setParams] = useSearchParams();
  const filter: CrawlFilter = Object.fromEntries(
    members.map((member) => [member, params.get(member) ?? undefined]),
  );
  const setFilter = (next: CrawlFilter) => {
    const given = Object.entries(next).filter(([, value]) => value !== undefined && value !== '');
    setParams(new URLSearchParams(given.map(([key, value]) => [key, String(value)])));
  };
  return (
    <>
      <PageHead title="Crawls" lead="Every request that met a price, newest first." />
      <CrawlFilters filter={filter} onFilter={setFilter} />
      <Sheet title={titleOf(filter)}>
        <CrawlList publisher={publisher} filter={filter} onClear={() => setFilter({})} />
      </Sheet>
    </>
  );
}

function CrawlList(props: {
  readonly publisher: string;
  readonly filter: CrawlFilter;
  readonly onClear: () => void;
}) {
  const { publisher, filter, onClear } = props;
  const { token } = useSignedIn();
  const query = useInfiniteQuery({
    queryKey: ['crawls', publisher, filter],
    queryFn: ({ signal, pageParam }) =>
      readCrawls({ token, signal }, publisher, askedFor(filter), pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    // Who reads on to older crawls is not pushed down by new ones.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 1) > 1 ? false : refetchMs),
  });
  const problem = query.error === null ? null : apiErrorOf(query.error);
  const rows = query.data?.pages.flatMap((page) => page.crawls);
  if (rows === undefined) {
    if (problem !== null) {
      return <ProblemNote problem={problem} onRetry={() => void query.refetch()} />;
    }
    return <LedgerTableSkeleton rows={12} />;
  }
  if (rows.length === 0) return <NoCrawls isFiltered={!isEmpty(filter)} onClear={onClear} />;
  return (
    <>
      <LedgerTable
        caption="Crawls, newest first"
        columns={columnsOf(publisher)}
        rows={rows}
        keyOf={({ id }) => id}
      />
      <OlderButton query={query} what="crawls in these days" />
      {problem !== null && !query.isFetchNextPageError && <StaleNote problem={problem} />}
    </>
  );
}

function NoCrawls(props: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  if (!props.isFiltered) {
    return (
      <EmptyNote title={`No crawler met a price in the last ${dayCountDefault} days.`}>
        A crawl is listed from the moment it is told a price, paid or not. People and search engines
        pass untouched and are not listed.
      </EmptyNote>
    );
  }
  return (
    <>
      <EmptyNote title="No crawl matches.">
        The crawler's name must be whole; a path matches from its beginning; without a first day it
        is the last {dayCountDefault} days.
      </EmptyNote>
      <Button variant="default" ml={24} mb={24} onClick={props.onClear}>
        Show all crawls
      </Button>
    </>
  );
}

function columnsOf(publisher: string): readonly Column<Crawl>[] {
  return [
    { title: 'Time (UTC)', cell: ({ at }) => <TimeText at={at} /> },
    {
      title: 'Path',
      cell: ({ id, path }) => <Link to={pathOf(publisher, 'crawls', id)}>{path}</Link>,
    },
    { title: 'Crawler', cell: ({ crawler }) => crawler },
    {
      title: 'Status',
      cell: ({ status, code }) => <CrawlStatusCell status={status} code={code} />,
    },
    {
      title: 'Amount',
      isFigure: true,
      cell: (crawl) => <CrawlAmount crawl={crawl} />,
    },
  ];
}

function CrawlStatusCell(props: Pick<Crawl, 'status' | 'code'>) {
  return (
    <>
      <StatusMark status={props.status} />
      {props.code !== null && <span className={classes.code}>{codeTitle(props.code)}</span>}
    </>
  );
}

function titleOf(filter: CrawlFilter): string {
  const { from, to } = filter;
  if (isEmpty(filter)) return `Last ${dayCountDefault} days`;
  if (from === undefined || to === undefined) return 'Crawls that match';
  return from === to ? formatDay(from, true) : `${formatDay(from)} – ${formatDay(to, true)}`;
}

/** The last day is meant to be in, and `to` of the API is out. */
function askedFor(filter: CrawlFilter): CrawlFilter {
  const { to } = filter;
  return to === undefined || !isDay(to) ? filter : { ...filter, to: addDays(to, 1) };
}
