import { unexpectedAnswer } from './api-error.js';

/**
 * Narrows unknown JSON to a type, or throws `console_answer_unexpected` naming the place. A value
 * that is missing is an error and never a 0: a wrong figure of money is worse than none. Members
 * that the console does not know are ignored, so the API may grow.
 */
export type Narrow<T> = (value: unknown, at: string) => T;
export type Narrowed<N> = N extends Narrow<infer T> ? T : never;

export const text: Narrow<string> = (value, at) =>
  typeof value === 'string' ? value : refuse(at, 'text');

/** A count, a position or a version: an integer that a double holds exactly. Never an amount. */
export const integer: Narrow<number> = (value, at) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : refuse(at, 'an integer');

export function textLike(matches: (text: string) => boolean, wanted: string): Narrow<string> {
  return (value, at) => (typeof value === 'string' && matches(value) ? value : refuse(at, wanted));
}

/** ISO 8601 with a zone, as the API writes every time. */
export const instant: Narrow<string> = textLike(
  (value) => /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value)),
  'a time',
);

export const flag: Narrow<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : refuse(at, 'true or false');

export const record: Narrow<Readonly<Record<string, unknown>>> = (value, at) =>
  isRecord(value) ? value : refuse(at, 'an object');

export function oneOf<const T extends string>(...allowed: readonly T[]): Narrow<T> {
  return (value, at) =>
    allowed.find((candidate) => candidate === value) ?? refuse(at, `one of ${allowed.join(', ')}`);
}

export function nullable<T>(narrow: Narrow<T>): Narrow<T | null> {
  return (value, at) => (value === null ? null : narrow(value, at));
}

/** For members that a document leaves out; an answer of the API leaves nothing out. */
export function optional<T>(narrow: Narrow<T>): Narrow<T | undefined> {
  return (value, at) => (value === undefined ? undefined : narrow(value, at));
}

export function list<T>(narrow: Narrow<T>): Narrow<readonly T[]> {
  return (value, at) =>
    Array.isArray(value)
      ? value.map((item: unknown, index) => narrow(item, `${at}[${index}]`))
      : refuse(at, 'a list');
}

type Shape = Readonly<Record<string, Narrow<unknown>>>;
type Shaped<S extends Shape> = { readonly [K in keyof S]: Narrowed<S[K]> };

export function object<S extends Shape>(shape: S): Narrow<Shaped<S>> {
  const members = Object.entries(shape);
  return (value, at) => {
    if (!isRecord(value)) return refuse(at, 'an object');
    const entries = members.map(([key, narrow]) => [key, narrow(value[key], `${at}.${key}`)]);
    return Object.fromEntries(entries) as Shaped<S>;
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(at: string, wanted: string): never {
  throw unexpectedAnswer(`${at} is not ${wanted}`, 200);
}
