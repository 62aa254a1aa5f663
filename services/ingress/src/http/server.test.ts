import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import { closeServer, createPublicServer, drainServer, listenOn } from './server.js';

test('behavior: while it drains every request is answered, and wants another connection next', async () => {
  const server = createPublicServer({
    ...{ headerBytesMax: 16_384, requestTimeoutMs: 5_000, keepAliveTimeoutMs: 5_000 },
    clock: Date.now,
    onRequest: (exchange) => exchange.answer({ status: 200, headers: {}, body: 'ok' }),
    onUnreadable: async () => ({ status: 400, headers: {}, body: '' }),
  });
  const origin = await listenOn(server, '127.0.0.1', 0);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = () =>
    new Promise<{ connection: string | undefined; isReused: boolean }>((resolve, reject) => {
      const asked = request(origin, { agent }, (response) => {
        response.resume().once('end', () => {
          const { connection } = response.headers;
          resolve({ connection, isReused: asked.reusedSocket });
        });
      });
      asked.once('error', reject).end();
    });
  expect(await ask()).toEqual({ connection: 'keep-alive', isReused: false });
  const draining = drainServer(server, 200);
  // The connection that it has is not cut; a new one is still taken.
  expect(await ask()).toEqual({ connection: 'close', isReused: true });
  expect(await ask()).toEqual({ connection: 'close', isReused: false });
  await draining;
  await closeServer(server);
  await expect(ask()).rejects.toThrow('ECONNREFUSED');
  agent.destroy();
});
