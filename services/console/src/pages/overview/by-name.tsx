import { Button } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import type { Revenue, RevenueRow } from '../../api/answers.js';
import { formatShare, plural } from '../../format/count.js';
import { inAsset, largestOf, permilleRoundingDown } from '../../format/money.js';
import { Answered } from '../../parts/answered.js';
import { type Bar, BarList } from '../../parts/bar-list.js';
import { LedgerTableSkeleton } from '../../parts/ledger-table.js';
import { MoniesText } from '../../parts/money-text.js';
import { EmptyNote } from '../../parts/notes.js';
import { Sheet } from '../../parts/sheet.js';
import { useSignedIn } from '../../session/session-context.js';
import { pathOf } from '../use-publisher.js';
import { assetsIn } from './chart-points.js';
import type { ChosenPeriod } from './period.js';

const shownAtFirst = 8;

/** Revenue by crawler or by path, largest first; each name leads to its crawls. */
export function ByName(props: {
  readonly title: string;
  readonly member: 'crawler' | 'path';
  readonly query: UseQueryResult<Revenue>;
  readonly publisher: string;
  readonly chosen: ChosenPeriod;
}) {
  const { title, member, query, publisher, chosen } = props;
  const { session } = useSignedIn();
  const [isWhole, setWhole] = useState(false);
  return (
    <Sheet title={title}>
      <Answered query={query} skeleton={<LedgerTableSkeleton rows={shownAtFirst} />}>
        {(revenue) => {
          const [asset = ''] = assetsIn(revenue, session.assets);
          const rows = isWhole ? revenue.rows : revenue.rows.slice(0, shownAtFirst);
          const linkOf = (key: string) =>
            `${pathOf(publisher, 'crawls')}?${new URLSearchParams({ [member]: key, from: chosen.first, to: chosen.last })}`;
          if (rows.length === 0) {
            return <EmptyNote title="Nothing in this period." />;
          }
          return (
            <>
              <BarList bars={barsOf(rows, asset, linkOf)} />
              {!isWhole && revenue.rows.length > rows.length && (
                <Button variant="subtle" size="sm" m="xs" onClick={() => setWhole(true)}>
                  Show all {revenue.rows.length}
                </Button>
              )}
            </>
          );
        }}
      </Answered>
    </Sheet>
  );
}

function barsOf(
  rows: readonly RevenueRow[],
  asset: string,
  linkOf: (key: string) => string,
): readonly Bar[] {
  const amounts = rows.map(({ totals }) => inAsset(totals.charged, asset));
  const longest = largestOf(amounts);
  return rows.map(({ key, totals: { charged, counts } }, at) => ({
    key,
    label: key === '' ? '(none)' : key,
    to: linkOf(key),
    figure: <MoniesText monies={charged} />,
    note: `${plural(counts.charges, 'crawl', 'crawls')}, ${formatShare(counts.charges, counts.challenges)}`,
    permille: permilleRoundingDown(amounts[at] ?? 0n, longest),
  }));
}
