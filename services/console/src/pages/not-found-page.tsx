import { Link } from 'react-router';
import { EmptyNote } from '../parts/notes.js';
import { PageHead } from '../parts/page-head.js';

export function NotFoundPage() {
  return (
    <>
      <PageHead title="No such page" />
      <EmptyNote title="This address leads nowhere.">
        <Link to="/">Go to the overview</Link>
      </EmptyNote>
    </>
  );
}
