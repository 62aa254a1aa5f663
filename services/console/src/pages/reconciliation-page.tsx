import { useQuery } from '@tanstack/react-query';
import type { Reconciliation, ReconciliationCheck } from '../api/answers.js';
import { readReconciliation } from '../api/paycrawl-api.js';
import { plural } from '../format/count.js';
import { formatMoney, grouped } from '../format/money.js';
import { symbolOf } from '../format/words.js';
import { Answered } from '../parts/answered.js';
import { type Column, LedgerTable, LedgerTableSkeleton } from '../parts/ledger-table.js';
import { EmptyNote } from '../parts/notes.js';
import { PageHead } from '../parts/page-head.js';
import { Sheet } from '../parts/sheet.js';
import { StatusMark } from '../parts/status-mark.js';
import { TimeText } from '../parts/time-text.js';
import { useSignedIn } from '../session/session-context.js';
import classes from './reconciliation-page.module.css';

const refetchMs = 5_000;

const verdicts: Readonly<Record<Reconciliation['outcome'], string>> = {
  equal: 'The books agree.',
  differs: 'The books differ.',
  unknown: 'Not known yet whether the books agree.',
};

/** Log = ledger = ClickHouse = chain, each as an equation whose difference must be nothing. */
export function ReconciliationPage() {
  const { token } = useSignedIn();
  const query = useQuery({
    queryKey: ['reconciliation'],
    queryFn: ({ signal }) => readReconciliation({ token, signal }),
    refetchInterval: refetchMs,
  });
  return (
    <>
      <PageHead
        title="Books"
        lead="The log, the ledger, the charts' store and the chain, held against each other."
      />
      <Answered query={query} skeleton={<LedgerTableSkeleton />}>
        {(answer) => <Checks answer={answer} />}
      </Answered>
    </>
  );
}

function Checks(props: { readonly answer: Reconciliation }) {
  const { outcome, lag, at, checks } = props.answer;
  const { session } = useSignedIn();
  const figureOf = (check: ReconciliationCheck, value: string | null) =>
    value === null ? 'unreadable' : inWords(check, value, session.assets);
  const columns: readonly Column<ReconciliationCheck>[] = [
    {
      title: 'Equation',
      cell: ({ title, name, detail }) => (
        <>
          <span>{title}</span>
          <span className={classes.name}>{name}</span>
          {detail !== null && <span className={classes.detail}>{detail}</span>}
        </>
      ),
    },
    {
      title: 'Left',
      isFigure: true,
      cell: (check) => <Side name={check.left.name} value={figureOf(check, check.left.value)} />,
    },
    {
      title: 'Right',
      isFigure: true,
      cell: (check) => <Side name={check.right.name} value={figureOf(check, check.right.value)} />,
    },
    {
      title: 'Difference',
      isFigure: true,
      cell: (check) => figureOf(check, check.difference),
    },
    { title: 'Outcome', cell: (check) => <StatusMark status={check.outcome} /> },
  ];
  return (
    <>
      <div className={classes.verdict} data-outcome={outcome} role="status">
        <p className={classes.words}>{verdicts[outcome]}</p>
        <p className="quiet">
          Read at <TimeText at={at} /> UTC;{' '}
          {lag === 0 ? 'nothing left to read' : `${plural(lag, 'record', 'records')} still to read`}
        </p>
      </div>
      <Sheet title="Equations">
        {checks.length === 0 ? (
          <EmptyNote title="Nothing to compare yet." />
        ) : (
          <LedgerTable
            caption="Reconciliation"
            columns={columns}
            rows={checks}
            keyOf={(check) => `${check.name} ${check.asset ?? ''}`}
          />
        )}
      </Sheet>
    </>
  );
}

function Side(props: { readonly name: string; readonly value: string }) {
  return (
    <>
      <span>{props.value}</span>
      <span className={classes.name}>{props.name}</span>
    </>
  );
}

/** An amount where the session knows the asset; atomic units or a count as digits otherwise. */
function inWords(
  check: ReconciliationCheck,
  value: string,
  assets: readonly { readonly asset: string; readonly symbol: string; readonly decimals: number }[],
): string {
  if (!/^-?\d+$/.test(value)) return value;
  const info = assets.find(({ asset }) => asset === check.asset);
  if (check.asset === null || info === undefined) {
    return value.startsWith('-') ? `\u2212${grouped(value.slice(1))}` : grouped(value);
  }
  const { asset, decimals } = info;
  return formatMoney({ asset, amount: value, decimals }, symbolOf(assets, asset));
}
