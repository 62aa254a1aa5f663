import type { Live } from '../routes/api-types.js';

export interface LiveHubOptions {
  read(publisher: string): Promise<Live>;
  /** News of one publisher are read at most this often, however many look at them. */
  readonly intervalMs: number;
  /** Without news: keeps connections open and today's date right. */
  readonly heartbeatMs: number;
  onError(error: unknown): void;
}

type Send = (live: Live) => void;

/** One read for all who watch the same publisher. */
export interface LiveHub {
  /** Sends the present state at once, then every change. Returns what ends it. */
  subscribe(publisher: string, send: Send): () => void;
  changed(publishers: ReadonlySet<string>): void;
  close(): void;
}

interface Watched {
  readonly sends: Set<Send>;
  timer: NodeJS.Timeout | undefined;
  isReading: boolean;
  hasNews: boolean;
}

export function createLiveHub(options: LiveHubOptions): LiveHub {
  const watched = new Map<string, Watched>();
  const heartbeat = setInterval(() => {
    for (const publisher of watched.keys()) schedule(publisher, 0);
  }, options.heartbeatMs);

  function schedule(publisher: string, delayMs: number): void {
    const entry = watched.get(publisher);
    if (entry === undefined) return;
    entry.hasNews = true;
    if (entry.isReading) return;
    entry.timer ??= setTimeout(() => void read(publisher, entry), delayMs);
  }

  async function read(publisher: string, entry: Watched): Promise<void> {
    entry.timer = undefined;
    entry.isReading = true;
    entry.hasNews = false;
    try {
      const live = await options.read(publisher);
      for (const send of entry.sends) send(live);
    } catch (error) {
      options.onError(error);
    }
    entry.isReading = false;
    if (entry.hasNews) schedule(publisher, options.intervalMs);
  }

  return {
    subscribe(publisher, send) {
      const entry = watched.get(publisher) ?? newWatched();
      watched.set(publisher, entry);
      entry.sends.add(send);
      schedule(publisher, 0);
      return () => {
        entry.sends.delete(send);
        if (entry.sends.size > 0) return;
        clearTimeout(entry.timer);
        if (watched.get(publisher) === entry) watched.delete(publisher);
      };
    },
    changed(publishers) {
      for (const publisher of publishers) schedule(publisher, options.intervalMs);
    },
    close() {
      clearInterval(heartbeat);
      for (const { timer } of watched.values()) clearTimeout(timer);
      watched.clear();
    },
  };
}

function newWatched(): Watched {
  return { sends: new Set(), timer: undefined, isReading: false, hasNews: false };
}
