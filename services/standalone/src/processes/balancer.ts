import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands in for the balancer container: connections go in turn to the servers that say they are
 * ready. It works on connections and not on requests, so an instance that is going away answers
 * what it has and closes; the client's next connection goes elsewhere.
 */
export interface Balancer {
  readonly port: number;
  close(): Promise<void>;
}

export interface BalancerTarget {
  readonly port: number;
  readonly readyUrl: string;
}

const host = '127.0.0.1';
/** As `default-server inter 500ms fall 2 rise 1` of balancer.cfg. */
const checkIntervalMs = 500;
const fall = 2;

interface Balanced {
  readonly target: BalancerTarget;
  isReady: boolean;
  /** One after the other. */
  failedChecks: number;
}

export async function startBalancer(
  port: number,
  targets: readonly BalancerTarget[],
): Promise<Balancer> {
  const servers: Balanced[] = targets.map((target) => ({
    ...{ target, isReady: false, failedChecks: 0 },
  }));
  const sockets = new Set<Socket>();
  await Promise.all(servers.map(check));
  const timer = setInterval(() => void Promise.all(servers.map(check)), checkIntervalMs);
  let turn = 0;
  const listener = createServer((client) => {
    const ready = servers.filter(({ isReady }) => isReady);
    turn += 1;
    const order = ready.map((_, i) => ready[(turn + i) % ready.length] as Balanced);
    keep(sockets, client);
    relay(sockets, client, order);
  });
  await listen(listener, port);
  return {
    port: (listener.address() as AddressInfo).port,
    close: async () => {
      clearInterval(timer);
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

async function check(server: Balanced): Promise<void> {
  const signal = AbortSignal.timeout(checkIntervalMs * 4);
  const isOk = await fetch(server.target.readyUrl, { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
  server.failedChecks = isOk ? 0 : server.failedChecks + 1;
  server.isReady = isOk || (server.isReady && server.failedChecks < fall);
}

/** A server that refuses the connection has seen nothing of it: the next one is tried. */
function relay(sockets: Set<Socket>, client: Socket, order: readonly Balanced[]): void {
  const [next, ...rest] = order;
  if (next === undefined) {
    client.destroy();
    return;
  }
  const server = connect({ host, port: next.target.port });
  keep(sockets, server);
  server.setNoDelay(true);
  client.setNoDelay(true);
  const refused = (): void => relay(sockets, client, rest);
  server.once('error', refused);
  server.once('connect', () => {
    server.off('error', refused);
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
    client.on('close', () => server.destroy());
    // What it has answered goes out first.
    server.on('close', () => client.destroySoon());
    client.pipe(server).pipe(client);
  });
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}
