import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startBalancer } from './balancer.js';
import { readBalancerConfig } from './balancer-config.js';

const closers: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Backend {
  readonly port: number;
  readonly readyUrl: string;
  setReady(isReady: boolean): void;
  stop(): void;
}

async function startBackend(name: string): Promise<Backend> {
  let isReady = true;
  const server: Server = createServer((request, response) => {
    response.setHeader('connection', 'close');
    if (request.url === '/readyz') response.statusCode = isReady ? 200 : 503;
    response.end(name);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => server.close();
  closers.push(stop);
  return {
    ...{ port, readyUrl: `http://127.0.0.1:${port}/readyz`, stop },
    setReady: (value) => {
      isReady = value;
    },
  };
}

test('behavior: connections go in turn to those that are ready, and past one that is gone', async () => {
  const [first, second] = await Promise.all([startBackend('first'), startBackend('second')]);
  const balancer = await startBalancer(0, [first, second]);
  closers.push(() => balancer.close());
  const ask = async () => (await fetch(`http://127.0.0.1:${balancer.port}/`)).text();
  expect([await ask(), await ask()].sort()).toEqual(['first', 'second']);
  // Gone without a word: the connection is refused, and nobody notices.
  first.stop();
  expect([await ask(), await ask(), await ask()]).toEqual(['second', 'second', 'second']);
  second.setReady(false);
  const refused = () => expect(ask()).rejects.toThrow();
  await expect
    .poll(
      () =>
        refused()
          .then(() => true)
          .catch(() => false),
      { timeout: 5_000 },
    )
    .toBe(true);
});

test('behavior: the frontends of a configuration, with the port for readiness of each server', () => {
  const text = `
defaults
  timeout client 60s
frontend one
  bind :8080
  default_backend ones
backend ones
  server a a-host:80 check port 90 resolvers x
  server b b-host:81 check
frontend probes
  bind 127.0.0.1:8090
`;
  expect(readBalancerConfig(text)).toEqual([
    {
      port: 8080,
      servers: [
        { host: 'a-host', port: 80, checkPort: 90 },
        { host: 'b-host', port: 81, checkPort: 81 },
      ],
    },
  ]);
  expect(() => readBalancerConfig('backend x\n server a nowhere check')).toThrow('balancer.cfg');
});
