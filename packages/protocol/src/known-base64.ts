import { Buffer } from 'node:buffer';

/**
 * Text that stands in many longer texts, with the base64 of its middle. Base64 writes three bytes
 * at a time, so there are three of it: which one fits depends on where the text begins. It begins
 * and ends with two ASCII characters.
 */
export type KnownText = readonly [KnownPart, KnownPart, KnownPart];

interface KnownPart {
  /** Completes the three bytes that the text before has begun. */
  readonly head: string;
  /** In base64. */
  readonly middle: string;
  /** Begins three bytes that the text behind completes; empty where there is none. */
  readonly tail: string;
}

export function knownText(text: string): KnownText {
  return [partOf(text, 0), partOf(text, 1), partOf(text, 2)];
}

/** The same for a text that nothing follows. */
export function knownEnd(text: string): KnownText {
  const endOf = (begun: number): KnownPart => {
    const { head, middle, tail } = partOf(text, begun);
    return { head, middle: middle + base64Of(tail), tail: '' };
  };
  return [endOf(0), endOf(1), endOf(2)];
}

function partOf(text: string, begun: number): KnownPart {
  const headLength = (3 - begun) % 3;
  const tailLength = (begun + Buffer.byteLength(text)) % 3;
  return {
    head: text.slice(0, headLength),
    middle: base64Of(text.slice(headLength, text.length - tailLength)),
    tail: text.slice(text.length - tailLength),
  };
}

/** Base64 of `first`, `known`, `second` and `end` in this order. */
export function base64Around(
  first: string,
  known: KnownText,
  second: string,
  end: KnownText,
): string {
  const between = partAfter(known, first);
  const rest = between.tail + second;
  const last = partAfter(end, rest);
  return base64Of(first + between.head) + between.middle + base64Of(rest + last.head) + last.middle;
}

function partAfter(known: KnownText, text: string): KnownPart {
  return known[(Buffer.byteLength(text) % 3) as 0 | 1 | 2];
}

function base64Of(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
