import type { PriceBookAnswer } from '../../api/answers.js';
import { instantOf } from '../../format/time.js';
import { type Column, LedgerTable } from '../../parts/ledger-table.js';
import { EmptyNote } from '../../parts/notes.js';
import { Facts, Sheet } from '../../parts/sheet.js';
import { TimeText } from '../../parts/time-text.js';
import {
  billableByDefault,
  billableOutcomes,
  billableTitles,
  type PriceBook,
  type PriceRule,
  priceBookOf,
  whoTitle,
} from './price-book.js';
import classes from './price-book-page.module.css';

/** The book in force, in the order in which its rules are tried. */
export function PriceBookView(props: { readonly answer: PriceBookAnswer }) {
  const { version, priceBook } = props.answer;
  if (priceBook === null) {
    return (
      <EmptyNote title="There is no price book yet.">
        Until the first one is written, every crawler passes free of charge.
      </EmptyNote>
    );
  }
  const book = priceBookOf(priceBook);
  return (
    <div className={classes.stack}>
      <Sheet title={`Version ${version}`} aside={<span className="quiet small">in force</span>}>
        {book.rules.length === 0 ? (
          <EmptyNote title="This book has no rule.">Every crawler passes free of charge.</EmptyNote>
        ) : (
          <RuleTable rules={book.rules} />
        )}
        <p className={classes.note}>
          A request that no rule fits passes untouched and free. People and search engines are no AI
          agents.
        </p>
      </Sheet>
      <Sheet title="What is charged">
        <Facts facts={chargedFacts(book)} />
      </Sheet>
    </div>
  );
}

interface Numbered {
  readonly rule: PriceRule;
  readonly at: number;
}

function RuleTable(props: { readonly rules: readonly PriceRule[] }) {
  const columns: readonly Column<Numbered>[] = [
    { title: 'Order', cell: ({ at }) => String(at + 1) },
    {
      title: 'Path',
      cell: ({ rule }) => (
        <>
          <span className={classes.path}>{rule.path}</span>
          <span className={classes.about}>
            {rule.id}
            {rule.description !== undefined && `: ${rule.description}`}
          </span>
        </>
      ),
    },
    { title: 'Who', cell: ({ rule }) => whoTitle(rule.crawlers) },
    { title: 'From (UTC)', cell: ({ rule }) => <InForceFrom at={rule.effectiveFrom} /> },
    { title: 'Price', isFigure: true, cell: ({ rule }) => priceTitle(rule) },
  ];
  return (
    <LedgerTable
      caption="Price rules in the order in which they are tried"
      columns={columns}
      rows={props.rules.map((rule, at) => ({ rule, at }))}
      keyOf={({ at }) => String(at)}
    />
  );
}

function InForceFrom(props: { readonly at: string | undefined }) {
  const { at } = props;
  if (at === undefined) return 'always';
  return instantOf(at) === undefined ? at : <TimeText at={at} />;
}

function priceTitle(rule: PriceRule): string {
  if (rule.block === true) return 'Blocked';
  return rule.free === true ? 'Free' : (rule.price ?? '–');
}

function chargedFacts({ billable }: PriceBook) {
  const outcomes = billableOutcomes.map((outcome) => {
    const isCharged = billable?.[outcome] ?? billableByDefault[outcome];
    return { term: billableTitles[outcome], value: isCharged ? 'Charged' : 'Not charged' };
  });
  return [...outcomes, { term: 'Anything not delivered', value: 'Never charged' }];
}
