import { STATUS_CODES } from 'node:http';
import { type Answer, linesOf } from './answer.js';

/** What `node:http` adds to an answer besides its own headers. */
export interface HeadContext {
  /** The connection ends with this answer. */
  readonly isLast: boolean;
  readonly keepAliveS: number;
  readonly nowMs: number;
}

/** Status line, lines and the empty one, a character a byte. */
export function headText(
  status: number,
  lines: readonly (string | string[])[],
  context: HeadContext,
): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
  let isDated = false;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] as string;
    const value = lines[i + 1] as string | string[];
    if (typeof value === 'string') text += `${name}: ${value}\r\n`;
    else for (const one of value) text += `${name}: ${one}\r\n`;
    if (name === 'date') isDated = true;
  }
  if (!isDated) text += dateLine(context.nowMs);
  return context.isLast
    ? `${text}Connection: close\r\n\r\n`
    : `${text}Connection: keep-alive\r\nKeep-Alive: timeout=${context.keepAliveS}\r\n\r\n`;
}

let dated = { second: Number.NaN, line: '' };

function dateLine(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== dated.second) {
    dated = { second, line: `Date: ${new Date(second * 1000).toUTCString()}\r\n` };
  }
  return dated.line;
}

/**
 * All bytes of an answer to GET, after which the connection goes on. Made anew once a second, for
 * its date, so it is for one answer that is given again and again.
 */
export function repeatedAnswer(keepAliveS: number): (answer: Answer, nowMs: number) => Buffer {
  let last: { readonly answer: Answer; readonly date: string; readonly bytes: Buffer } | undefined;
  return (answer, nowMs) => {
    const date = dateLine(nowMs);
    if (last?.answer === answer && last.date === date) return last.bytes;
    const head = headText(answer.status, linesOf('GET', answer), {
      isLast: false,
      keepAliveS,
      nowMs,
    });
    const bytes = Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(answer.body)]);
    last = { answer, date, bytes };
    return bytes;
  };
}
