/** Entries with the prefix after a key, in key order: what an order is filled from. */
export type ReadEntries = (prefix: string, after: string, countMax: number) => Entry[];
export type Entry = [key: string, value: unknown];

/** The first entries of each prefix that was asked for, in key order, as the last writes left it. */
export interface Ordered {
  range(prefix: string, countMax: number): Entry[];
  /** `undefined` deletes. */
  put(key: string, value: unknown): void;
  /** True when there is certainly no such entry. */
  lacks(key: string): boolean;
  /** After writes were undone. */
  forget(): void;
}

export interface OrderedBounds {
  /** Entries read at once: what reading costs grows with all that is not yet stored. */
  readonly entriesRead: number;
  readonly prefixesMax: number;
}

const boundsDefault: OrderedBounds = { entriesRead: 4_000, prefixesMax: 32 };

/** A fold asks the same few prefixes again and again, mostly for their first entries. */
export function createOrdered(
  read: ReadEntries,
  { entriesRead, prefixesMax }: OrderedBounds = boundsDefault,
): Ordered {
  const orders = new Map<string, Order>();
  /** By the first letter of their prefixes: most writes concern none. */
  let lists: PrefixOrder[][] = [];
  return {
    range(prefix, countMax) {
      let order = orders.get(prefix);
      if (order === undefined) {
        order = createOrder((after, count) => read(prefix, after, count), entriesRead);
        orders.set(prefix, order);
        const [oldest = prefix] = orders.keys();
        if (orders.size > prefixesMax) orders.delete(oldest);
        lists = byFirstLetter(orders);
      }
      return order.first(countMax);
    },
    put(key, value) {
      for (const { prefix, order } of lists[key.charCodeAt(0)] ?? none) {
        if (hasPrefix(key, prefix)) order.put(key, value);
      }
    },
    lacks(key) {
      for (const { prefix, order } of lists[key.charCodeAt(0)] ?? none) {
        if (hasPrefix(key, prefix) && order.lacks(key)) return true;
      }
      return false;
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
  put(key: string, value: unknown): void;
  lacks(key: string): boolean;
}

function createOrder(
  readAfter: (after: string, countMax: number) => Entry[],
  entriesRead: number,
): Order {
  const entriesMax = 2 * entriesRead;
  const known: Entry[] = [];
  /** Up to this key `known` has all entries; undefined: it has all there are. */
  let horizon: string | undefined = '';

  return {
    first(countMax) {
      if (known.length >= countMax || horizon === undefined) return known.slice(0, countMax);
      const wanted = Math.max(countMax - known.length, entriesRead);
      const more = readAfter(horizon, wanted);
      // So many are asked for once, and not at every record.
      if (known.length + more.length > entriesMax) return [...known, ...more].slice(0, countMax);
      known.push(...more);
      horizon = more.length < wanted ? undefined : more.at(-1)?.[0];
      return known.slice(0, countMax);
    },
    put(key, value) {
      if (horizon !== undefined && key > horizon) return;
      const place = placeOf(known, key);
      const isKnown = known[place]?.[0] === key;
      if (value !== undefined && isKnown) known[place] = [key, value];
      else if (value !== undefined && place === known.length) known.push([key, value]);
      else if (value !== undefined) known.splice(place, 0, [key, value]);
      else if (isKnown && place === 0) known.shift();
      else if (isKnown) known.splice(place, 1);
      if (known.length <= entriesMax) return;
      known.length = entriesRead;
      horizon = known.at(-1)?.[0];
    },
    lacks(key) {
      if (horizon !== undefined && key > horizon) return false;
      return known[placeOf(known, key)]?.[0] !== key;
    },
  };
}

/** Where the key stands in the order, or would stand. */
function placeOf(entries: readonly Entry[], key: string): number {
  const last = entries.at(-1);
  // Mostly what is new comes last.
  if (last === undefined || last[0] < key) return entries.length;
  let low = 0;
  let high = entries.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry)[0] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
