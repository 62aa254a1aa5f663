import type { ReactNode } from 'react';
import { Link } from 'react-router';
import classes from './bar-list.module.css';

export interface Bar {
  readonly key: string;
  readonly label: string;
  readonly to: string;
  readonly figure: ReactNode;
  readonly note: string;
  /** Width in thousandths of the longest. */
  readonly permille: number;
}

/** Amounts by name, longest first: the bar lies under the words, the exact figure at its end. */
export function BarList(props: { readonly bars: readonly Bar[] }) {
  return (
    <ol className={classes.list}>
      {props.bars.map((bar) => (
        <li key={bar.key} className={classes.bar}>
          <span className={classes.fill} style={{ width: `${bar.permille / 10}%` }} />
          <Link className={classes.label} to={bar.to}>
            {bar.label}
          </Link>
          <span className={classes.note}>{bar.note}</span>
          <span className={classes.figure}>{bar.figure}</span>
        </li>
      ))}
    </ol>
  );
}
