import { type ReactNode, useId } from 'react';
import classes from './sheet.module.css';

/** A sheet of the book: a heading on a rule, something beside it, and what it holds. */
export function Sheet(props: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={classes.sheet} aria-labelledby={id}>
      <div className={classes.bar}>
        <h2 id={id} className={classes.title}>
          {props.title}
        </h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}

export interface Fact {
  readonly term: string;
  readonly value: ReactNode;
  /** A long value takes the whole line. */
  readonly isWide?: boolean;
}

/** Terms and values, two columns where there is room. */
export function Facts(props: { readonly facts: readonly Fact[] }) {
  return (
    <dl className={classes.facts}>
      {props.facts.map(({ term, value, isWide }) => (
        <div key={term} className={classes.fact} data-wide={isWide}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
