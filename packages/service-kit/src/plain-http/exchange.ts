import type { Readable, Writable } from 'node:stream';
import type { Answer, AnswerHeaders } from './answer.js';

/**
 * One request and the answer that is owed for it, whoever read it off the wire: `plain-exchange.ts`
 * for what is plainly fine, `strict-exchange.ts` for all the rest.
 */
export interface Exchange {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  /** Name, value, name, value as they came; names in any case. */
  readonly headers: readonly string[];
  readonly remoteAddress: string;
  readonly credit: Credit;
  /** Undefined where the request brings none. */
  readonly body: Readable | undefined;
  /** By a name in lower case; where it was sent several times, joined as HTTP has it. */
  header(name: string): string | undefined;
  /** Whether anything of an answer was sent. */
  isBegun(): boolean;
  /** Writes nothing where the client is gone or something was sent already. */
  answer(answer: Answer): void;
  /** The body follows; `finish` means that the client's socket took all of it. */
  stream(status: number, headers: AnswerHeaders): Writable;
  /** Breaks the connection off. */
  destroy(): void;
  /** Told once, when the answer went out whole or the client is gone; at once if that has been. */
  onEnd(listener: EndListener): void;
}

/** Of one connection, for all requests that come over it. */
export interface Credit {
  /** That it may have whatever storm there is, because it paid. */
  challenges: number;
}

/** The status is 0 where nothing was sent. */
export type EndListener = (isComplete: boolean, status: number) => void;
