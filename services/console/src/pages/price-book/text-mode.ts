import { apiErrorOf } from '../../api/api-error.js';
import { isRecord } from '../../api/narrow.js';
import { priceBookOf } from './price-book.js';

export interface ReadText {
  /** Undefined where the text is no price book. */
  readonly book: Readonly<Record<string, unknown>> | undefined;
  readonly problem: string | undefined;
}

/** Reads the text as the form would; members that only the API knows are left to the API. */
export function readText(text: string): ReadText {
  let book: unknown;
  try {
    book = JSON.parse(text);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : 'malformed';
    return { book: undefined, problem: `Not JSON: ${words}` };
  }
  if (!isRecord(book)) return { book: undefined, problem: 'A price book is an object.' };
  try {
    priceBookOf(book);
  } catch (cause) {
    return { book: undefined, problem: apiErrorOf(cause).detail };
  }
  return { book, problem: undefined };
}
