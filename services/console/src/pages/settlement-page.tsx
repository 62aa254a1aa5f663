import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';
import type { Settlement, SettlementCharge } from '../api/answers.js';
import { readSettlement } from '../api/paycrawl-api.js';
import { formatCount } from '../format/count.js';
import { formatElapsed, formatInstant } from '../format/time.js';
import { codeTitle } from '../format/words.js';
import { Answered } from '../parts/answered.js';
import { EventTimeline } from '../parts/event-timeline.js';
import { HashText } from '../parts/hash-text.js';
import { type Column, LedgerTable } from '../parts/ledger-table.js';
import { MoneyText, MoniesText } from '../parts/money-text.js';
import { EmptyNote } from '../parts/notes.js';
import { PageHead } from '../parts/page-head.js';
import { type Fact, Facts, Sheet } from '../parts/sheet.js';
import { StatusMark } from '../parts/status-mark.js';
import { TimeText } from '../parts/time-text.js';
import { useSignedIn } from '../session/session-context.js';
import { DetailSkeleton } from './crawl-page.js';
import classes from './detail-page.module.css';
import { pathOf, usePublisher } from './use-publisher.js';

const refetchMs = 3_000;

const meanings: Readonly<Record<Settlement['status'], string>> = {
  sealed: 'Closed: no charge is added any more. Its transaction is about to be sent.',
  submitted: 'Sent to the chain. It counts once a block deep enough holds it.',
  confirmed: 'A block at the finality depth holds it. The money has moved.',
  lost: 'Its place on the chain went to another transaction. The charges go into a new batch.',
};

export function SettlementPage() {
  const publisher = usePublisher();
  const { batch: id = '' } = useParams();
  const { token, session } = useSignedIn();
  const query = useQuery({
    queryKey: ['settlement', id],
    queryFn: ({ signal }) => readSettlement({ token, signal }, id),
    refetchInterval: ({ state: { data } }) =>
      data?.settlement.status === 'sealed' || data?.settlement.status === 'submitted'
        ? refetchMs
        : false,
  });
  return (
    <>
      <p className={classes.back}>
        <Link to={pathOf(publisher, 'settlements')}>All settlements</Link>
      </p>
      <Answered query={query} skeleton={<DetailSkeleton />}>
        {({ settlement, charges, events }) => (
          <div className={classes.page}>
            <BatchHead settlement={settlement} />
            <Sheet title="The batch">
              <Facts facts={factsOf(settlement, session.role === 'operator')} />
            </Sheet>
            <Sheet title={`Charges (${formatCount(charges.length)})`}>
              <Charges publisher={publisher} charges={charges} />
            </Sheet>
            <EventTimeline events={events} />
          </div>
        )}
      </Answered>
    </>
  );
}

function BatchHead(props: { readonly settlement: Settlement }) {
  const { settlement } = props;
  return (
    <PageHead
      title={`Batch of ${formatInstant(settlement.sealedAt)}`}
      lead={meanings[settlement.status]}
    >
      <span className={classes.amount}>
        <MoniesText monies={settlement.amounts} />
      </span>
      <StatusMark status={settlement.status} />
    </PageHead>
  );
}

function factsOf(settlement: Settlement, isOperator: boolean): readonly Fact[] {
  const { sealedAt, submittedAt, confirmedAt, transaction, block, gas } = settlement;
  const since = (at: string | null) =>
    at === null ? (
      'not yet'
    ) : (
      <>
        <TimeText at={at} /> <span className="quiet small">{formatElapsed(sealedAt, at)}</span>
      </>
    );
  return [
    { term: 'Sealed (UTC)', value: <TimeText at={sealedAt} /> },
    { term: 'Sent (UTC)', value: since(submittedAt) },
    { term: 'Confirmed (UTC)', value: since(confirmedAt) },
    {
      term: 'Transaction',
      value:
        transaction === null ? (
          'not sent yet'
        ) : (
          <HashText value={transaction} what="transaction hash" />
        ),
    },
    { term: 'Block', value: block ?? 'not in a block yet' },
    { term: 'Attempts', value: formatCount(settlement.attempts) },
    ...(isOperator
      ? [{ term: 'Gas', value: gas === null ? 'not known yet' : <MoneyText money={gas} /> }]
      : []),
    { term: 'Partition', value: String(settlement.partition) },
    { term: 'Batch', value: <HashText value={settlement.id} what="batch id" /> },
  ];
}

function Charges(props: {
  readonly publisher: string;
  readonly charges: readonly SettlementCharge[];
}) {
  const { publisher, charges } = props;
  if (charges.length === 0) {
    return <EmptyNote title="No charge of this batch is yours to see." />;
  }
  const columns: readonly Column<SettlementCharge>[] = [
    {
      title: 'Charge',
      cell: ({ chargeId }) => <HashText value={chargeId} what="charge id" />,
    },
    {
      title: 'Crawl',
      cell: ({ crawlId }) =>
        crawlId === null ? '–' : <Link to={pathOf(publisher, 'crawls', crawlId)}>Open</Link>,
    },
    { title: 'Payer', cell: ({ payer }) => <HashText value={payer} what="payer" /> },
    { title: 'Publisher', cell: (charge) => charge.publisher },
    {
      title: 'Outcome',
      cell: ({ outcome, code }) => (
        <>
          <StatusMark status={outcome} />
          {code !== null && <span className="quiet small"> {codeTitle(code)}</span>}
        </>
      ),
    },
    { title: 'Amount', isFigure: true, cell: ({ amount }) => <MoneyText money={amount} /> },
  ];
  return (
    <LedgerTable
      caption="Charges of this batch"
      columns={columns}
      rows={charges}
      keyOf={({ chargeId }) => chargeId}
    />
  );
}
