import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Audience } from '@paycrawl/ingress/delivery/job';
import { createOrigins } from '@paycrawl/ingress/delivery/origin';
import { closeServer, createPublicServer, listenOn } from '@paycrawl/ingress/http/server';
import { type Answer, problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import type { Door } from '@paycrawl/service-kit/plain-http/door';
import { pageBytes } from '../page-server.js';
import type { Step } from './budget.js';
import { told } from './child.js';
import { cpuUsOfRounds, median } from './cpu-per-call.js';

const connections = 64;
const requests = 6_400;
const rounds = 3;
const timeoutMs = 10_000;

/** Both sides of the ingress over loopback; origin and client are processes of their own. */
export async function httpSteps(): Promise<Step[]> {
  return [
    { name: `page of ${pageBytes} B fetched from the origin`, perCrawl: 1, us: await fetchUs() },
    { name: 'request received and answered, no more', perCrawl: 1, us: await answerUs() },
  ];
}

async function fetchUs(): Promise<number> {
  const origin = child('./origin-main.js', []);
  const port = await told<number>(origin);
  const origins = createOrigins({
    connectionsMax: connections,
    connectTimeoutMs: timeoutMs,
    headersTimeoutMs: timeoutMs,
    bodyTimeoutMs: timeoutMs,
  });
  const audience: Audience = { isEmpty: () => false, isGone: () => false, onGone: () => {} };
  const asked = { origin: `http://127.0.0.1:${port}`, method: 'GET', path: '/page', body: null };
  const fetchOne = async (): Promise<void> => {
    const headers = ['host', 'bench', 'user-agent', 'GPTBot/1.3'];
    const page = await origins.fetch({ ...asked, headers }, audience, 256 * 1024);
    if (page.kind !== 'whole') throw fail('bench_failed', `the origin's page: ${page.kind}`);
  };
  const worker = async (): Promise<void> => {
    for (let i = 0; i < requests / connections; i++) await fetchOne();
  };
  const us = await cpuUsOfRounds(rounds, () =>
    Promise.all(Array.from({ length: connections }, worker)),
  );
  await origins.close();
  origin.kill();
  return us / requests;
}

async function answerUs(): Promise<number> {
  const headers = {
    'content-type': 'text/html',
    'payment-response': 'e'.repeat(340),
    'cache-control': 'private',
  };
  const body = Buffer.alloc(pageBytes, 'A page of two kilobytes. ');
  return (await costOf({ status: 200, headers, body })).answeredUs;
}

export interface RefusalCost {
  /** Of the ingress: the request is read, and its answer written. */
  readonly answeredUs: number;
  /** Of the load: the request is written, and its answer read. */
  readonly askedUs: number;
}

/** Processor time of telling whoever brings this payment at the door to come back. */
export function refusalCost(request: Buffer): Promise<RefusalCost> {
  const answer = problemAnswer('ingress_overloaded', 'Too many payments are in flight.');
  const door: Door = {
    ...{ names: new Set(['x-payment']), waitMsMax: timeoutMs },
    ...{ state: () => 'shut', refusal: () => answer },
  };
  return costOf(answer, { door, request: request.toString('latin1') });
}

/** Of a request that is received and answered, with nothing in between. */
async function costOf(
  answer: Answer,
  { door, request = '' }: { readonly door?: Door; readonly request?: string } = {},
): Promise<RefusalCost> {
  const server = createPublicServer({
    ...{ headerBytesMax: 32_768, requestTimeoutMs: timeoutMs, keepAliveTimeoutMs: timeoutMs },
    ...(door !== undefined && { door }),
    clock: Date.now,
    onRequest: (exchange) => exchange.answer(answer),
    onUnreadable: async () => answer,
  });
  const { port } = new URL(await listenOn(server, '127.0.0.1', 0));
  const client = child('./asking-main.js', [port, connections, answer.status, request].map(String));
  await told(client);
  const askedUs: number[] = [];
  const us = await cpuUsOfRounds(rounds, async () => {
    client.send(requests);
    askedUs.push(await told<number>(client));
  });
  client.kill();
  await closeServer(server);
  return { answeredUs: us / requests, askedUs: median(askedUs.slice(1)) / requests };
}

function child(program: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(program, import.meta.url)), args);
}
