import { useQuery } from '@tanstack/react-query';
import { Navigate } from 'react-router';
import { readPublishers } from '../api/paycrawl-api.js';
import { Answered } from '../parts/answered.js';
import { LedgerTableSkeleton } from '../parts/ledger-table.js';
import { EmptyNote } from '../parts/notes.js';
import { useSignedIn } from '../session/session-context.js';
import { pathOf } from './use-publisher.js';

/** A publisher goes to its own overview, an operator to the first publisher's. */
export function HomePage() {
  const { token, session } = useSignedIn();
  const publishers = useQuery({
    queryKey: ['publishers'],
    queryFn: ({ signal }) => readPublishers({ token, signal }),
    enabled: session.publisher === null,
  });
  if (session.publisher !== null) return <Navigate to={pathOf(session.publisher)} replace />;
  return (
    <Answered query={publishers} skeleton={<LedgerTableSkeleton />}>
      {({ publishers: [first] }) =>
        first === undefined ? (
          <EmptyNote title="No publisher is registered yet.">
            Register one, with its hosts and its payout address; it appears here by itself.
          </EmptyNote>
        ) : (
          <Navigate to={pathOf(first.id)} replace />
        )
      }
    </Answered>
  );
}
