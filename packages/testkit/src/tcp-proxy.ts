import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a network does to the connections that go through it. */
export type NetworkState =
  | { readonly kind: 'pass' }
  /** Connections end and new ones are refused. */
  | { readonly kind: 'cut' }
  /** Everything comes this much later, in both directions and in order. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Connections stay and new ones are accepted, but nothing goes through any more. */
  | { readonly kind: 'half_open' }
  /** Requests arrive; answers are lost. */
  | { readonly kind: 'swallow_responses' };

/** A way to a server that a test makes worse and better while it runs. */
export interface TcpProxy {
  readonly port: number;
  set(state: NetworkState): void;
  /** Where connections go from now on; a server that came back elsewhere. */
  aim(targetPort: number): void;
  /** Resets this share of the open connections, 0 to 1. */
  reset(share: number, random?: () => number): void;
  /** Pairs of connections that are open at the moment. */
  connections(): number;
  /** Bytes that did not go through so far, in either direction. */
  lostBytes(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** A direction in which bytes were lost stays dead: what came later would be nonsense. */
  readonly isDead: { requests: boolean; responses: boolean };
}

interface Proxy {
  readonly pairs: Set<Pair>;
  targetPort: number;
  state: NetworkState;
  lostBytes: number;
}

export async function startTcpProxy(targetPort: number, host = '127.0.0.1'): Promise<TcpProxy> {
  const proxy: Proxy = { pairs: new Set(), targetPort, state: { kind: 'pass' }, lostBytes: 0 };
  const listener = createServer((client) => {
    if (proxy.state.kind === 'cut') client.resetAndDestroy();
    else join(proxy, client, connect({ host, port: proxy.targetPort }));
  });
  await new Promise<void>((resolve) => listener.listen(0, host, resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    set(state) {
      proxy.state = state;
      if (state.kind === 'cut') for (const pair of proxy.pairs) reset(pair);
    },
    aim(port) {
      proxy.targetPort = port;
    },
    reset(share, random = Math.random) {
      for (const pair of proxy.pairs) if (random() < share) reset(pair);
    },
    connections: () => proxy.pairs.size,
    lostBytes: () => proxy.lostBytes,
    async close() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const pair of proxy.pairs) reset(pair);
      await closed;
    },
  };
}

function join(proxy: Proxy, client: Socket, server: Socket): void {
  const pair: Pair = { client, server, isDead: { requests: false, responses: false } };
  proxy.pairs.add(pair);
  client.setNoDelay(true);
  server.setNoDelay(true);
  forward(proxy, pair, 'requests');
  forward(proxy, pair, 'responses');
}

function forward(proxy: Proxy, pair: Pair, direction: 'requests' | 'responses'): void {
  const [from, to] =
    direction === 'requests' ? [pair.client, pair.server] : [pair.server, pair.client];
  // One chunk after the other, so that a shorter delay does not overtake a longer one.
  let delivered = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    if (isLost(proxy.state, direction)) pair.isDead[direction] = true;
    if (pair.isDead[direction]) {
      proxy.lostBytes += chunk.length;
      return;
    }
    const dueMs = performance.now() + (proxy.state.kind === 'delay' ? proxy.state.delayMs : 0);
    delivered = delivered.then(async () => {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (!to.destroyed) to.write(chunk);
    });
  });
  const over = () => {
    void delivered.then(() => {
      // A half-open connection is one of whose end the other side never hears.
      if (proxy.state.kind !== 'half_open') to.destroy();
      if (from.destroyed && to.destroyed) proxy.pairs.delete(pair);
    });
  };
  from.on('close', over);
  from.on('error', () => undefined);
}

function isLost({ kind }: NetworkState, direction: 'requests' | 'responses'): boolean {
  return kind === 'half_open' || (kind === 'swallow_responses' && direction === 'responses');
}

function reset({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.destroy();
}
