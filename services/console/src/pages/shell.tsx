import {
  ActionIcon,
  Select,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Suspense } from 'react';
import { Link, NavLink, Outlet, useNavigate } from 'react-router';
import { readPublishers } from '../api/paycrawl-api.js';
import { Icon, type IconName } from '../parts/icon.js';
import { LedgerTableSkeleton } from '../parts/ledger-table.js';
import { PageGuard } from '../parts/page-guard.js';
import { Wordmark } from '../parts/wordmark.js';
import { useSignedIn } from '../session/session-context.js';
import classes from './shell.module.css';
import { pathOf, usePublisher } from './use-publisher.js';

interface Section {
  readonly title: string;
  readonly icon: IconName;
  readonly path: readonly string[];
  readonly isForOperators?: boolean;
}

const sections: readonly Section[] = [
  { title: 'Overview', icon: 'overview', path: [] },
  { title: 'Crawls', icon: 'crawls', path: ['crawls'] },
  { title: 'Settlements', icon: 'settlements', path: ['settlements'] },
  { title: 'Prices', icon: 'prices', path: ['price-book'] },
  { title: 'Books', icon: 'books', path: ['reconciliation'], isForOperators: true },
];

/** Masthead, sections, and the page below. At phone width the sections stand at the thumb. */
export function Shell() {
  const publisher = usePublisher();
  return (
    <>
      <a className="skip-link" href="#page">
        Skip to the page
      </a>
      <header className={classes.masthead}>
        <div className={classes.inner}>
          <Link to={pathOf(publisher)} className={classes.home} aria-label="paycrawl, overview">
            <Wordmark />
          </Link>
          <PublisherName publisher={publisher} />
          <Tools />
        </div>
        <Sections publisher={publisher} />
      </header>
      <main id="page" tabIndex={-1} className={classes.page}>
        {/* A new publisher is a new page: no state of the old one may survive. */}
        <PageGuard key={publisher}>
          <Suspense fallback={<LedgerTableSkeleton />}>
            <Outlet />
          </Suspense>
        </PageGuard>
      </main>
    </>
  );
}

function Sections(props: { readonly publisher: string }) {
  const { session } = useSignedIn();
  const shown = sections.filter(
    ({ isForOperators }) => isForOperators !== true || session.role === 'operator',
  );
  return (
    <nav className={classes.sections} aria-label="Sections">
      {shown.map(({ title, icon, path }) => (
        <NavLink
          key={title}
          to={pathOf(props.publisher, ...path)}
          end={path.length === 0}
          className={classes.section ?? ''}
        >
          <Icon name={icon} />
          {title}
        </NavLink>
      ))}
    </nav>
  );
}

function PublisherName(props: { readonly publisher: string }) {
  const { session } = useSignedIn();
  if (session.role === 'operator') return <PublisherSwitch publisher={props.publisher} />;
  return <span className={classes.publisher}>{props.publisher}</span>;
}

function PublisherSwitch(props: { readonly publisher: string }) {
  const { token } = useSignedIn();
  const navigate = useNavigate();
  const { data } = useQuery({
    queryKey: ['publishers'],
    queryFn: ({ signal }) => readPublishers({ token, signal }),
  });
  const known = data?.publishers.map(({ id }) => id) ?? [];
  const choices = known.includes(props.publisher) ? known : [props.publisher, ...known];
  return (
    <Select
      aria-label="Publisher"
      className={classes.switch ?? ''}
      size="sm"
      searchable
      allowDeselect={false}
      nothingFoundMessage="No such publisher"
      data={choices}
      value={props.publisher}
      onChange={(chosen) => {
        if (chosen !== null) void navigate(pathOf(chosen));
      }}
    />
  );
}

function Tools() {
  const { signOut } = useSignedIn();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const other = scheme === 'dark' ? 'light' : 'dark';
  const toggleName = other === 'dark' ? 'Dark colours' : 'Light colours';
  return (
    <div className={classes.tools}>
      <Tooltip label={toggleName}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={toggleName}
          onClick={() => setColorScheme(other)}
        >
          <Icon name={scheme === 'dark' ? 'sun' : 'moon'} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Sign out">
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Sign out" onClick={signOut}>
          <Icon name="leave" />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
