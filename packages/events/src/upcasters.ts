/** Turns old data into the present version, one step at a time, at the read boundary only. */

type Upcaster = (data: unknown) => unknown;

/** `Type.vN` → the data of `Type.v(N+1)`. Every entry stays as long as the log holds version N. */
const upcasters: Readonly<Record<string, Upcaster>> = {};

export type Upcast =
  | { readonly kind: 'current'; readonly data: unknown }
  | { readonly kind: 'unknown_version' };

export function upcast(type: string, version: number, current: number, data: unknown): Upcast {
  let value = data;
  for (let step = version; step < current; step++) {
    const next = upcasters[`${type}.v${step}`];
    if (next === undefined) return { kind: 'unknown_version' };
    value = next(value);
  }
  return version > current || !(version >= 1)
    ? { kind: 'unknown_version' }
    : { kind: 'current', data: value };
}
