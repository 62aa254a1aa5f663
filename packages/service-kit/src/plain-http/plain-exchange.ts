import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { type Answer, type AnswerHeaders, bytesOf, isBodyless, linesOf } from './answer.js';
import { headText } from './answer-head.js';
import type { Credit, EndListener, Exchange } from './exchange.js';
import { framingOf, plainBody } from './plain-body.js';
import { headerOf, type PlainHead } from './plain-head.js';

/** What an exchange needs of its connection. */
export interface AnswerLine {
  readonly socket: Socket;
  readonly keepAliveS: number;
  readonly credit: Credit;
  /** No more requests are wanted. */
  isDraining(): boolean;
  nowMs(): number;
  /** What was written last was taken by the system, or never will be. */
  readonly written: (error?: Error | null) => void;
  /** The same of a body that was streamed. */
  over(isComplete: boolean): void;
}

/** Up to this a body is copied behind its head: cheaper than to hand two pieces to the system. */
const copiedBytesMax = 65_536;

/** One class in place of eight closures for every request. */
export class PlainExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body = undefined;
  /** The body, which is here already; empty where the request brings none. */
  readonly content: Buffer;
  private readonly line: AnswerLine;
  private readonly listeners: EndListener[] = [];
  /** No request follows on this connection. */
  isLast: boolean;
  private status = 0;
  /** Undefined until it ended. */
  private isComplete: boolean | undefined;
  private sending: Writable | undefined;

  constructor(line: AnswerLine, { method, target, headers, isLast }: PlainHead, content: Buffer) {
    this.line = line;
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.isLast = isLast;
    this.content = content;
  }

  get remoteAddress(): string {
    return this.line.socket.remoteAddress ?? '';
  }

  get credit(): Credit {
    return this.line.credit;
  }

  header(name: string): string | undefined {
    return headerOf(this.headers, name);
  }

  isBegun(): boolean {
    return this.status !== 0;
  }

  answer(answer: Answer): void {
    const { socket, written } = this.line;
    if (this.status !== 0 || socket.destroyed) return;
    const { body } = answer;
    const bodyBytes = bytesOf(body);
    const head = this.begin(answer.status, linesOf(this.method, answer, bodyBytes));
    if (isBodyless(this.method, answer.status)) socket.write(head, 'latin1', written);
    else if (typeof body !== 'string') writeWithBody(socket, head, body, written);
    // As many bytes as characters: ASCII, which is spelled alike in both.
    else if (bodyBytes === body.length) socket.write(head + body, 'latin1', written);
    else writeWithBody(socket, head, Buffer.from(body), written);
  }

  stream(status: number, headers: AnswerHeaders): Writable {
    const isWithout = isBodyless(this.method, status);
    const framing = framingOf(headers['content-length'], isWithout);
    const lines = Object.entries(headers).flat(1) as (string | string[])[];
    if (framing.kind === 'chunked') lines.push('transfer-encoding', 'chunked');
    const head = this.begin(status, lines);
    this.sending = plainBody(this.line.socket, head, framing, (isComplete) => {
      this.line.over(isComplete);
    });
    if (this.line.socket.destroyed) this.sending.destroy();
    return this.sending;
  }

  destroy(): void {
    this.line.socket.destroy();
  }

  onEnd(listener: EndListener): void {
    if (this.isComplete === undefined) this.listeners.push(listener);
    else listener(this.isComplete, this.status);
  }

  /** The socket took the answer, or is gone. */
  end(isComplete: boolean): void {
    this.isComplete = isComplete;
    if (!isComplete) this.sending?.destroy();
    for (const listener of this.listeners) listener(isComplete, this.status);
  }

  private begin(status: number, lines: readonly (string | string[])[]): string {
    const { line } = this;
    this.status = status;
    if (line.isDraining()) this.isLast = true;
    const { keepAliveS } = line;
    return headText(status, lines, { isLast: this.isLast, keepAliveS, nowMs: line.nowMs() });
  }
}

function writeWithBody(
  socket: Socket,
  head: string,
  body: Buffer,
  written: AnswerLine['written'],
): void {
  if (body.length <= copiedBytesMax) {
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, 'latin1');
    body.copy(bytes, head.length);
    socket.write(bytes, written);
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  socket.write(body, written);
  socket.uncork();
}
