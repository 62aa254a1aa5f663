import { fail } from '@paycrawl/errors/paycrawl-error';

/** The last row of a page, newest first: the next page begins after it. */
export interface Cursor {
  readonly atMs: number;
  readonly id: string;
}

export function encodeCursor({ atMs, id }: Cursor): string {
  return Buffer.from(`${atMs}:${id}`).toString('base64url');
}

export function readCursor(text: string): Cursor {
  const match = /^(\d{1,15}):([\s\S]{1,200})$/.exec(Buffer.from(text, 'base64url').toString());
  const [, at, id] = match ?? [];
  if (at === undefined || id === undefined) {
    throw fail('request_invalid', 'cursor is the `next` of the page before');
  }
  return { atMs: Number.parseInt(at, 10), id };
}
