import { createServer, request } from 'node:http';

/** An HTTP proxy to a node whose behaviour a test changes while it runs. */
export interface SlowProxy {
  readonly url: string;
  set(behaviour: ProxyBehaviour): void;
  close(): Promise<void>;
}

export type ProxyBehaviour =
  | { readonly kind: 'pass' }
  /** Answers come this much later. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Connections are cut before an answer. */
  | { readonly kind: 'cut' }
  /** The node gets the request; the answer is lost. */
  | { readonly kind: 'lose_answer' }
  /** The answer is changed on its way: a lying node. */
  | { readonly kind: 'rewrite'; readonly rewrite: (request: string, response: string) => string };

export async function startSlowProxy(targetUrl: string): Promise<SlowProxy> {
  let behaviour: ProxyBehaviour = { kind: 'pass' };
  const server = createServer((incoming, outgoing) => {
    const current = behaviour;
    if (current.kind === 'cut') {
      incoming.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      forward(targetUrl, body, (answer) => {
        if (current.kind === 'lose_answer' || answer === undefined) {
          outgoing.destroy();
          return;
        }
        const text = current.kind === 'rewrite' ? current.rewrite(body.toString(), answer) : answer;
        const reply = () => {
          outgoing.setHeader('content-type', 'application/json');
          outgoing.end(text);
        };
        if (current.kind === 'delay') setTimeout(reply, current.delayMs).unref();
        else reply();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    set: (next) => {
      behaviour = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function forward(
  targetUrl: string,
  body: Buffer,
  done: (answer: string | undefined) => void,
): void {
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const outgoing = request(targetUrl, { method: 'POST', headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => done(Buffer.concat(chunks).toString()));
  });
  outgoing.once('error', () => done(undefined));
  outgoing.end(body);
}
