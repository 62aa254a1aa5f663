import { createSortedEntries, type Entry } from './sorted-entries.js';

/** Entries with the prefix after a key, in key order: what an order is filled from. */
export type ReadEntries = (prefix: string, after: string, countMax: number) => Entry[];

/** The first entries of each prefix that was asked for, in key order, as the last writes left it. */
export interface Ordered {
  range(prefix: string, countMax: number): Entry[];
  /** `undefined` deletes; true when there was certainly no such entry. */
  put(key: string, value: unknown): boolean;
  /** After writes were undone. */
  forget(): void;
}

export interface OrderedBounds {
  /** Entries read at once: what reading costs grows with all that is not yet stored. */
  readonly entriesRead: number;
  /** Entries known of a prefix; of more than that, half. */
  readonly entriesMax: number;
  readonly prefixesMax: number;
}

const boundsDefault: OrderedBounds = { entriesRead: 4_000, entriesMax: 64_000, prefixesMax: 32 };

/** A fold asks the same few prefixes again and again, mostly for their first entries. */
export function createOrdered(read: ReadEntries, bounds: OrderedBounds = boundsDefault): Ordered {
  const orders = new Map<string, Order>();
  /** By the first letter of their prefixes: most writes concern none. */
  let lists: PrefixOrder[][] = [];
  return {
    range(prefix, countMax) {
      let order = orders.get(prefix);
      if (order === undefined) {
        order = createOrder((after, count) => read(prefix, after, count), bounds);
        orders.set(prefix, order);
        const [oldest = prefix] = orders.keys();
        if (orders.size > bounds.prefixesMax) orders.delete(oldest);
        lists = byFirstLetter(orders);
      }
      return order.first(countMax);
    },
    put(key, value) {
      let wasAbsent = false;
      for (const { prefix, order } of lists[key.charCodeAt(0)] ?? none) {
        if (hasPrefix(key, prefix) && order.put(key, value)) wasAbsent = true;
      }
      return wasAbsent;
    },
    forget() {
      orders.clear();
      lists = [];
    },
  };
}

interface PrefixOrder {
  readonly prefix: string;
  readonly order: Order;
}

const none: readonly PrefixOrder[] = [];

/** In a third of the time of `startsWith`. */
function hasPrefix(key: string, prefix: string): boolean {
  return key.slice(0, prefix.length) === prefix;
}

/** Keys are ASCII. */
const letters = 128;

function byFirstLetter(orders: ReadonlyMap<string, Order>): PrefixOrder[][] {
  const lists: PrefixOrder[][] = Array.from({ length: letters }, () => []);
  for (const [prefix, order] of orders) {
    const concerned = prefix === '' ? lists : [lists[prefix.charCodeAt(0)]];
    for (const list of concerned) list?.push({ prefix, order });
  }
  return lists;
}

interface Order {
  first(countMax: number): Entry[];
  /** True when there was certainly no such entry. */
  put(key: string, value: unknown): boolean;
}

function createOrder(
  readAfter: (after: string, countMax: number) => Entry[],
  { entriesRead, entriesMax }: OrderedBounds,
): Order {
  const known = createSortedEntries();
  /** Up to this key `known` has all entries; undefined: it has all there are. */
  let horizon: string | undefined = '';

  return {
    first(countMax) {
      if (known.size >= countMax || horizon === undefined) return known.first(countMax);
      const wanted = Math.max(countMax - known.size, entriesRead);
      const more = readAfter(horizon, wanted);
      // So many are asked for once, and not at every record.
      if (known.size + more.length > entriesMax) {
        return [...known.first(countMax), ...more].slice(0, countMax);
      }
      known.append(more);
      horizon = more.length < wanted ? undefined : more.at(-1)?.[0];
      return known.first(countMax);
    },
    put(key, value) {
      if (horizon !== undefined && key > horizon) return false;
      const wasThere = known.put(key, value);
      if (known.size > entriesMax) {
        known.shorten(entriesMax >>> 1);
        horizon = known.lastKey();
      }
      return !wasThere;
    },
  };
}
