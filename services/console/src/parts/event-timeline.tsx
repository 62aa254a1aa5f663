import { Button } from '@mantine/core';
import { useState } from 'react';
import type { LogEvent } from '../api/answers.js';
import { formatClock, formatElapsed } from '../format/time.js';
import { eventTitle } from '../format/words.js';
import { eventMeanings, eventTone } from './event-meanings.js';
import classes from './event-timeline.module.css';
import { Sheet } from './sheet.js';
import { TimeText } from './time-text.js';

/** Every event in the order that the API gave, each with its place in the log and its data. */
export function EventTimeline(props: { readonly events: readonly LogEvent[] }) {
  const { events } = props;
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const isAllOpen = opened.size === events.length && events.length > 0;
  const toggle = (key: string) => {
    const next = new Set(opened);
    if (!next.delete(key)) next.add(key);
    setOpened(next);
  };
  const toggleAll = () => setOpened(new Set(isAllOpen ? [] : events.map(keyOf)));
  return (
    <Sheet
      title={`Events (${events.length})`}
      aside={
        <Button variant="default" size="xs" onClick={toggleAll} disabled={events.length === 0}>
          {isAllOpen ? 'Hide all data' : 'Show all data'}
        </Button>
      }
    >
      <ol className={classes.line}>
        {events.map((event, index) => (
          <TimelineEntry
            key={keyOf(event)}
            event={event}
            before={events[index - 1]}
            isOpen={opened.has(keyOf(event))}
            onToggle={() => toggle(keyOf(event))}
          />
        ))}
      </ol>
    </Sheet>
  );
}

function TimelineEntry(props: {
  readonly event: LogEvent;
  readonly before: LogEvent | undefined;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}) {
  const { event, before, isOpen } = props;
  const meaning = eventMeanings[event.type.replace(/\.v\d+$/, '')];
  return (
    <li className={classes.entry} data-tone={eventTone(event.type)}>
      <div className={classes.when}>
        <TimeText at={event.at}>{formatClock(event.at, true)}</TimeText>
        <span className="quiet small">
          {before === undefined ? 'start' : formatElapsed(before.at, event.at)}
        </span>
      </div>
      <div className={classes.what}>
        <div className={classes.row}>
          <h3 className={classes.name}>{eventTitle(event.type)}</h3>
          <span className={classes.place} title="topic / partition / offset">
            {event.topic} / {event.partition} / {event.offset}
          </span>
          <Button
            variant="default"
            size="compact-xs"
            className={classes.toggle ?? ''}
            aria-expanded={isOpen}
            onClick={props.onToggle}
          >
            {isOpen ? 'Hide data' : 'Data'}
          </Button>
        </div>
        {meaning !== undefined && <p className="quiet small">{meaning}</p>}
        {isOpen && <EventData event={event} />}
      </div>
    </li>
  );
}

function EventData(props: { readonly event: LogEvent }) {
  const { id, type, cause, data, expired } = props.event;
  const from =
    cause === null
      ? 'written at the edge'
      : `${cause.topic} / ${cause.partition} / ${cause.offset}, output ${cause.index}`;
  return (
    <div className={classes.data}>
      <p className="small quiet">
        <span className="mono">{type}</span> · id <span className="mono">{id}</span> · cause{' '}
        <span className="mono">{from}</span>
      </p>
      {expired ? (
        <p className="small">The log keeps this record no longer; its place is all that is left.</p>
      ) : (
        // Wide data scrolls in its own box, so it must be reachable by keyboard.
        <section aria-label={`Data of ${type}`}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region takes focus. */}
          <pre tabIndex={0}>{JSON.stringify(data, null, 2)}</pre>
        </section>
      )}
    </div>
  );
}

function keyOf(event: LogEvent): string {
  return `${event.topic}/${event.partition}/${event.offset}`;
}
