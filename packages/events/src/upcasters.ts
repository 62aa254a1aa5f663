/** Turns old data into the present version, one step at a time, at the read boundary only. */

type Upcaster = (data: unknown) => unknown;

/** `Type.vN` → the data of `Type.v(N+1)`. Every entry stays as long as the log holds version N. */
export type Upcasters = Readonly<Record<string, Upcaster>>;

export const upcasters: Upcasters = {
  // The platform bore all gas, whoever the charges were of.
  'GasSpent.v1': (data) => ({ ...objectOf(data), shares: [] }),
  // A fee in a price book never had an effect: it is the platform's, set by `PlatformFeeChanged`.
  'PriceBookReplaced.v1': (data) => {
    const { book, ...rest } = objectOf(data);
    const { feeBasisPoints: _, ...kept } = objectOf(book);
    return { ...rest, book: kept };
  },
};

/** Anything else throws, and the record is unreadable. */
function objectOf(value: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value as object));
}

export type Upcast =
  | { readonly kind: 'current'; readonly data: unknown }
  /** A later version than this code knows, or an older one whose upcaster is gone. */
  | { readonly kind: 'unknown_version' }
  /** Old data that its upcaster cannot make sense of. */
  | { readonly kind: 'unreadable' };

export function upcast(
  type: string,
  version: number,
  current: number,
  data: unknown,
  steps: Upcasters,
): Upcast {
  if (version > current) return { kind: 'unknown_version' };
  let value = data;
  for (let step = version; step < current; step++) {
    const next = steps[`${type}.v${step}`];
    if (next === undefined) return { kind: 'unknown_version' };
    try {
      value = next(value);
    } catch {
      return { kind: 'unreadable' };
    }
  }
  return { kind: 'current', data: value };
}
