import type { EventLog, LogRecord, Tail } from '@paycrawl/event-log/event-log';
import { decodeEvent, type EventOfType, type RegistryEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';

export interface Publisher {
  readonly id: string;
  readonly name: string;
  readonly hosts: readonly string[];
  /** The whole of it, as it stands in the log. */
  readonly registered: EventOfType<'PublisherRegistered'>['data'];
}

export interface VersionedBook {
  readonly version: number;
  readonly book: Readonly<Record<string, unknown>>;
  /** Where the record that set it stands. */
  readonly offset: number;
}

/** The registry as this process has read it; `caughtUp` waits for a position. */
export interface RegistryView {
  publishers(): readonly Publisher[];
  publisher(id: string): Publisher | undefined;
  priceBook(publisherId: string): VersionedBook | undefined;
  /** Resolves when the record at this offset is in the view. */
  caughtUp(offset: number): Promise<void>;
  close(): Promise<void>;
}

interface State {
  readonly publishers: Map<string, Publisher>;
  readonly books: Map<string, VersionedBook>;
  nextOffset: number;
  waiting: { readonly offset: number; readonly resolve: () => void }[];
}

export const registrySource = { topic: physicalTopic('registry'), partition: 0 } as const;
const readRecordsMax = 1000;

/** Reads the registry to its present end, then follows it. */
export async function followRegistry(
  log: EventLog,
  onError: (error: unknown) => void,
): Promise<RegistryView> {
  const state: State = { publishers: new Map(), books: new Map(), nextOffset: 0, waiting: [] };
  const { earliest, next } = await log.offsets(registrySource);
  state.nextOffset = earliest;
  while (state.nextOffset < next) {
    applyAll(state, await log.read(registrySource, state.nextOffset, readRecordsMax));
  }
  const tail: Tail = await log.tail({
    ...registrySource,
    fromOffset: state.nextOffset,
    onRecords: async (records) => applyAll(state, records),
    onError,
  });
  return {
    publishers: () => [...state.publishers.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    publisher: (id) => state.publishers.get(id),
    priceBook: (publisherId) => state.books.get(publisherId),
    caughtUp: (offset) =>
      new Promise((resolve) => {
        if (offset < state.nextOffset) resolve();
        else state.waiting.push({ offset, resolve });
      }),
    close: () => tail.close(),
  };
}

function applyAll(state: State, records: readonly LogRecord[]): void {
  for (const record of records) {
    const decoded = decodeEvent(record.value);
    // What cannot be read here stands in nobody's way; its writer is told by the services.
    if (decoded.kind === 'event') apply(state, decoded.event as RegistryEvent, record.offset);
    state.nextOffset = record.offset + 1;
  }
  const isReached = ({ offset }: { offset: number }) => offset < state.nextOffset;
  const reached = state.waiting.filter(isReached);
  state.waiting = state.waiting.filter((waiter) => !isReached(waiter));
  for (const { resolve } of reached) resolve();
}

function apply(state: State, event: RegistryEvent, offset: number): void {
  if (event.type === 'PublisherRegistered') {
    const { publisherId: id, name, hosts } = event.data;
    state.publishers.set(id, { id, name, hosts, registered: event.data });
  }
  if (event.type === 'PriceBookReplaced') {
    const { publisherId, version, book } = event.data;
    // Two writers that started from one version: the log decides, the first record wins.
    if (version !== (state.books.get(publisherId)?.version ?? 0) + 1) return;
    state.books.set(publisherId, { version, book, offset });
  }
}
