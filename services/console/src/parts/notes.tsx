import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { type ApiError, nextStepOf } from '../api/api-error.js';
import { sentence } from '../format/words.js';
import classes from './notes.module.css';

/** Nothing is here, and that is fine: what would appear, and what makes it appear. */
export function EmptyNote(props: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <p className={classes.title}>{props.title}</p>
      {props.children !== undefined && <p className="quiet">{props.children}</p>}
    </div>
  );
}

/** Something failed: what, its code, and what to do next. Never a figure in its place. */
export function ProblemNote(props: {
  readonly problem: ApiError;
  readonly onRetry?: (() => void) | undefined;
}) {
  const { problem, onRetry } = props;
  return (
    <div className={classes.problem} role="alert">
      <p className={classes.title}>{problem.title}</p>
      {problem.detail !== undefined && <p>{sentence(problem.detail)}</p>}
      <p>{nextStepOf(problem)}</p>
      <p className={classes.foot}>
        <span className="mono">{problem.code}</span>
        {onRetry !== undefined && (
          <Button variant="default" size="xs" onClick={onRetry}>
            Try again
          </Button>
        )}
      </p>
    </div>
  );
}

/** The figures on the page are older than they should be. Floats, so that nothing moves. */
export function StaleNote(props: { readonly problem: ApiError }) {
  return (
    <p className={classes.stale} role="status">
      Showing what was read last: {props.problem.title.toLowerCase()}{' '}
      <span className="mono">{props.problem.code}</span>
    </p>
  );
}
