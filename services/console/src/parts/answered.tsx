import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { apiErrorOf } from '../api/api-error.js';
import { ProblemNote, StaleNote } from './notes.js';

/**
 * One of: the skeleton, the answer, the problem; or the answer read last with a word that it is
 * old. A problem never turns into an empty list or a zero.
 */
export function Answered<T>(props: {
  readonly query: UseQueryResult<T>;
  readonly skeleton: ReactNode;
  readonly children: (answer: T) => ReactNode;
}) {
  const { query, skeleton, children } = props;
  if (query.data !== undefined) {
    return (
      <>
        {children(query.data)}
        {query.error !== null && <StaleNote problem={apiErrorOf(query.error)} />}
      </>
    );
  }
  if (query.error !== null) {
    return <ProblemNote problem={apiErrorOf(query.error)} onRetry={() => void query.refetch()} />;
  }
  return <div aria-busy="true">{skeleton}</div>;
}
