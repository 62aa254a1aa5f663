import { Button } from '@mantine/core';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import { apiErrorOf } from '../api/api-error.js';
import { ProblemNote } from './notes.js';

/** The foot of a paged list: the next older page, its problem, or the end. */
export function OlderButton(props: {
  readonly query: UseInfiniteQueryResult<unknown>;
  readonly what: string;
}) {
  const { query, what } = props;
  if (query.isFetchNextPageError) {
    const problem = apiErrorOf(query.error);
    return <ProblemNote problem={problem} onRetry={() => void query.fetchNextPage()} />;
  }
  if (!query.hasNextPage) {
    return (
      <p className="quiet small" style={{ padding: '14px 20px' }}>
        The end: no older {what}.
      </p>
    );
  }
  return (
    <div style={{ padding: '14px 20px' }}>
      <Button
        variant="default"
        loading={query.isFetchingNextPage}
        onClick={() => void query.fetchNextPage()}
      >
        Show older {what}
      </Button>
    </div>
  );
}
