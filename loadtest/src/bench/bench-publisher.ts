import type { AddressInfo, Socket } from 'node:net';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { setUpPublisher } from '@paycrawl/standalone/publisher-setup';
import type { RunFile } from '@paycrawl/standalone/run-file';
import { openConnection, targetOf } from '../driver/http-connection.js';
import { headerOf } from '../driver/http-response.js';
import { createPageServer } from './page-server.js';

/** A publisher of the bench's own, with an origin that costs next to nothing. */
export interface BenchPublisher {
  readonly host: string;
  /** Its site, past the ingress: `http://host:port`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Of a running platform, what its publisher has to do with. */
export interface PublishersPlace extends Pick<RunFile, 'ingress'> {
  readonly chain: Pick<RunFile['chain'], 'network' | 'asset'>;
  readonly publisher: Pick<RunFile['publisher'], 'payTo'>;
}

const host = 'bench.example';
const knownTimeoutMs = 10_000;

/** Registers it in the log of a platform and waits until the ingress charges for it. */
export async function addBenchPublisher(
  run: PublishersPlace,
  log: EventLog,
): Promise<BenchPublisher> {
  const sockets = new Set<Socket>();
  const server = createPageServer();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const publisher = {
    publisherId: 'bench',
    name: 'Bench',
    hosts: [host],
    origin,
    network: run.chain.network,
    asset: run.chain.asset.toLowerCase(),
    payTo: run.publisher.payTo.toLowerCase(),
  };
  const rule = { id: 'all', path: '/**', crawlers: 'everyone' as const, price: 'USD 0.001' };
  await setUpPublisher(log, publisher, { rules: [rule] }, Date.now());
  await whenKnown(run.ingress);
  return {
    ...{ host, origin },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function whenKnown(ingress: string): Promise<void> {
  const deadlineMs = Date.now() + knownTimeoutMs;
  while (Date.now() < deadlineMs) {
    if ((await offerHeader(ingress, host, '/')) !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The v2 offer of a priced page, asked with the publisher's own host. */
export async function offerHeader(
  ingress: string,
  hostHeader: string,
  path: string,
): Promise<string | undefined> {
  const connection = await openConnection(targetOf(ingress));
  const request = `GET ${path} HTTP/1.1\r\nhost: ${hostHeader}\r\nuser-agent: GPTBot/1.3\r\n\r\n`;
  return new Promise((resolve, reject) => {
    connection.send(Buffer.from(request), (answer) => {
      connection.close();
      if (typeof answer === 'string') reject(fail('bench_failed', answer));
      else resolve(headerOf(answer.head, 'payment-required'));
    });
  });
}
