import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './ledger-table.module.css';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  /** Figures stand on the right. */
  readonly isFigure?: boolean;
}

/**
 * A ruled table. At phone width each row becomes a slip with its titles beside the values, so the
 * page never scrolls sideways.
 */
export function LedgerTable<Row>(props: {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}) {
  const { columns } = props;
  return (
    <table className={classes.table}>
      <caption className={classes.caption}>{props.caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, isFigure }) => (
            <th key={title} scope="col" data-figure={isFigure}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={props.keyOf(row)}>
            {columns.map(({ title, cell, isFigure }) => (
              <td key={title} data-title={title} data-figure={isFigure}>
                <div className={classes.value}>{cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** As many rows as a first page shows, so that little moves when the answer is there. */
export function LedgerTableSkeleton(props: { readonly rows?: number }) {
  const rows = Array.from({ length: props.rows ?? 8 }, (_, row) => row);
  return (
    <div className={classes.skeleton}>
      {rows.map((row) => (
        <Skeleton key={row} height={16} width={`${92 - ((row * 13) % 34)}%`} />
      ))}
    </div>
  );
}
