import { Button, Select, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { crawlStatuses } from '../api/answers.js';
import type { CrawlFilter } from '../api/paycrawl-api.js';
import { codeTitle } from '../format/words.js';
import classes from './crawls-page.module.css';

export const members = ['status', 'crawler', 'path', 'from', 'to'] as const;

export function isEmpty(filter: CrawlFilter): boolean {
  return members.every((member) => filter[member] === undefined || filter[member] === '');
}

/** What is typed waits for the button: half a date or half a name is no question. */
type Typed = Pick<CrawlFilter, 'crawler' | 'path' | 'from' | 'to'>;

export function CrawlFilters(props: {
  readonly filter: CrawlFilter;
  readonly onFilter: (filter: CrawlFilter) => void;
}) {
  const { filter, onFilter } = props;
  const [typed, setTyped] = useState<Typed>(filter);
  const [seen, setSeen] = useState(filter);
  const [isOpen, setOpen] = useState(!isEmpty(filter));
  // A filter changed elsewhere (a link, the back button) replaces what is typed.
  if (members.some((member) => seen[member] !== filter[member])) {
    setSeen(filter);
    setTyped(filter);
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { crawler = '', path = '' } = typed;
    onFilter({ ...filter, ...typed, crawler: crawler.trim(), path: path.trim() });
  };
  return (
    <search className={classes.search} data-open={isOpen}>
      <Button
        variant="default"
        className={classes.opener ?? ''}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? 'Hide filters' : 'Filter'}
      </Button>
      <form className={classes.filters} onSubmit={submit}>
        <Select
          label="Status"
          placeholder="Any"
          clearable
          data={crawlStatuses.map((value) => ({ value, label: codeTitle(value) }))}
          value={filter.status ?? null}
          onChange={(status) => onFilter({ ...filter, ...typed, status: status ?? '' })}
        />
        <TypedFields typed={typed} onTyped={setTyped} />
        <Button type="submit">Filter</Button>
        <Button variant="default" disabled={isEmpty(filter)} onClick={() => onFilter({})}>
          Clear
        </Button>
      </form>
    </search>
  );
}

function TypedFields(props: { readonly typed: Typed; readonly onTyped: (typed: Typed) => void }) {
  const { typed, onTyped } = props;
  return (
    <>
      <TextInput
        label="Crawler"
        placeholder="Its whole name, e.g. GPTBot"
        value={typed.crawler ?? ''}
        onChange={({ currentTarget }) => onTyped({ ...typed, crawler: currentTarget.value })}
      />
      <TextInput
        label="Path begins with"
        placeholder="/articles/"
        value={typed.path ?? ''}
        onChange={({ currentTarget }) => onTyped({ ...typed, path: currentTarget.value })}
      />
      <TextInput
        type="date"
        label="First day"
        value={typed.from ?? ''}
        onChange={({ currentTarget }) => onTyped({ ...typed, from: currentTarget.value })}
      />
      <TextInput
        type="date"
        label="Last day"
        value={typed.to ?? ''}
        onChange={({ currentTarget }) => onTyped({ ...typed, to: currentTarget.value })}
      />
    </>
  );
}
