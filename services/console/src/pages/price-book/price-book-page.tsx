import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { PriceBookAnswer } from '../../api/answers.js';
import { readPriceBook } from '../../api/paycrawl-api.js';
import { Answered } from '../../parts/answered.js';
import { LedgerTableSkeleton } from '../../parts/ledger-table.js';
import { PageHead } from '../../parts/page-head.js';
import { useSignedIn } from '../../session/session-context.js';
import { usePublisher } from '../use-publisher.js';
import { PriceBookEditor } from './price-book-editor.js';
import classes from './price-book-page.module.css';
import { PriceBookView } from './price-book-view.js';

export function PriceBookPage() {
  const publisher = usePublisher();
  const { token } = useSignedIn();
  const queries = useQueryClient();
  const [edited, setEdited] = useState<PriceBookAnswer | null>(null);
  const [loads, setLoads] = useState(0);
  const [replacedBy, setReplacedBy] = useState<number | null>(null);
  const queryKey = ['price-book', publisher];
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => readPriceBook({ token, signal }, publisher),
  });
  const lead = 'Who pays how much for what. The first rule that fits a request decides.';
  if (edited !== null) {
    return (
      <>
        <PageHead title="Price book" lead={lead} />
        <PriceBookEditor
          // A book that was loaded again starts the form anew.
          key={loads}
          publisher={publisher}
          base={edited}
          onClose={() => setEdited(null)}
          onReload={async () => {
            const newest = await queries.fetchQuery({
              queryKey,
              queryFn: () => readPriceBook({ token }, publisher),
              staleTime: 0,
            });
            setEdited(newest);
            setLoads(loads + 1);
          }}
          onReplaced={(answer) => {
            queries.setQueryData(queryKey, answer);
            setReplacedBy(answer.version);
            setEdited(null);
          }}
        />
      </>
    );
  }
  const onEdit = () => {
    setReplacedBy(null);
    setEdited(query.data ?? null);
  };
  return (
    <>
      <PageHead title="Price book" lead={lead}>
        <Button onClick={onEdit} disabled={query.data === undefined}>
          {query.data?.version === 0 ? 'Write the first one' : 'Edit'}
        </Button>
      </PageHead>
      <p className={classes.done} role="status">
        {replacedBy !== null && `Version ${replacedBy} is written and takes effect now.`}
      </p>
      <Answered query={query} skeleton={<LedgerTableSkeleton />}>
        {(answer) => <PriceBookView answer={answer} />}
      </Answered>
    </>
  );
}
