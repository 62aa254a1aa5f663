import { Switch } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useSearchParams } from 'react-router';
import type { Settlement } from '../api/answers.js';
import { apiErrorOf } from '../api/api-error.js';
import { readSettlements, type SettlementFilter } from '../api/paycrawl-api.js';
import { formatCount } from '../format/count.js';
import { HashText } from '../parts/hash-text.js';
import { type Column, LedgerTable, LedgerTableSkeleton } from '../parts/ledger-table.js';
import { MoneyText, MoniesText } from '../parts/money-text.js';
import { EmptyNote, ProblemNote, StaleNote } from '../parts/notes.js';
import { OlderButton } from '../parts/older-button.js';
import { PageHead } from '../parts/page-head.js';
import { Sheet } from '../parts/sheet.js';
import { StatusMark } from '../parts/status-mark.js';
import { TimeText } from '../parts/time-text.js';
import { useSignedIn } from '../session/session-context.js';
import { pathOf, usePublisher } from './use-publisher.js';

const refetchMs = 10_000;

export function SettlementsPage() {
  const publisher = usePublisher();
  const { session } = useSignedIn();
  const [params, setParams] = useSearchParams();
  const isOperator = session.role === 'operator';
  const isAll = isOperator && params.get('of') === 'all';
  const filter = isOperator && !isAll ? { publisher } : {};
  return (
    <>
      <PageHead
        title="Settlements"
        lead="Charges are gathered in batches and moved on chain together. A batch is settled once a block deep enough holds it."
      >
        {isOperator && (
          <Switch
            label="All publishers"
            checked={isAll}
            onChange={({ currentTarget }) => setParams(currentTarget.checked ? { of: 'all' } : {})}
          />
        )}
      </PageHead>
      <Sheet title={isAll ? 'Batches of all publishers' : 'Batches'}>
        <BatchList publisher={publisher} filter={filter} isOperator={isOperator} />
      </Sheet>
    </>
  );
}

function BatchList(props: {
  readonly publisher: string;
  readonly filter: SettlementFilter;
  readonly isOperator: boolean;
}) {
  const { publisher, filter, isOperator } = props;
  const { token } = useSignedIn();
  const query = useInfiniteQuery({
    queryKey: ['settlements', publisher, filter],
    queryFn: ({ signal, pageParam }) =>
      readSettlements({ token, signal }, filter, pageParam ?? undefined),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    refetchInterval: refetchMs,
  });
  const problem = query.error === null ? null : apiErrorOf(query.error);
  const rows = query.data?.pages.flatMap((page) => page.settlements);
  if (rows === undefined) {
    if (problem !== null) {
      return <ProblemNote problem={problem} onRetry={() => void query.refetch()} />;
    }
    return <LedgerTableSkeleton />;
  }
  if (rows.length === 0) {
    return (
      <EmptyNote title="No batch yet.">
        The first batch is sealed when enough charges wait, when the oldest has waited long enough,
        or when a payment's deadline comes near.
      </EmptyNote>
    );
  }
  return (
    <>
      <LedgerTable
        caption="Settlement batches, newest first"
        columns={columnsOf(publisher, isOperator)}
        rows={rows}
        keyOf={({ id }) => id}
      />
      <OlderButton query={query} what="batches" />
      {problem !== null && !query.isFetchNextPageError && <StaleNote problem={problem} />}
    </>
  );
}

function columnsOf(publisher: string, isOperator: boolean): readonly Column<Settlement>[] {
  const gas: Column<Settlement> = {
    title: 'Gas',
    isFigure: true,
    cell: (batch) => (batch.gas === null ? '–' : <MoneyText money={batch.gas} />),
  };
  return [
    {
      title: 'Sealed (UTC)',
      cell: ({ id, sealedAt }) => (
        <Link to={pathOf(publisher, 'settlements', id)}>
          <TimeText at={sealedAt} />
        </Link>
      ),
    },
    { title: 'Status', cell: ({ status }) => <StatusMark status={status} /> },
    {
      title: 'Transaction',
      cell: ({ transaction }) =>
        transaction === null ? (
          'not sent yet'
        ) : (
          <HashText value={transaction} what="transaction hash" />
        ),
    },
    { title: 'Charges', isFigure: true, cell: ({ charges }) => formatCount(charges) },
    { title: 'Attempts', isFigure: true, cell: ({ attempts }) => formatCount(attempts) },
    ...(isOperator ? [gas] : []),
    { title: 'Amount', isFigure: true, cell: ({ amounts }) => <MoniesText monies={amounts} /> },
  ];
}
