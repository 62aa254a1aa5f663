import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { afterEach, expect, test } from 'vitest';
import { openRpc, type Rpc } from './rpc.js';

interface Question {
  readonly id: number;
  readonly method: string;
}

type Handler = (questions: readonly Question[], response: ServerResponse) => void;

let server: Server | undefined;
const bodies: (readonly Question[])[] = [];
let connections = 0;

afterEach(async () => {
  bodies.length = 0;
  connections = 0;
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** A node that does exactly what the test says. */
async function nodeThat(handle: Handler, timeoutMs = 1_000): Promise<Rpc> {
  const made = createServer((request: IncomingMessage, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const questions = JSON.parse(text) as Question[];
      bodies.push(questions);
      handle(questions, response);
    });
  });
  made.on('connection', () => {
    connections += 1;
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  const address = made.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return openRpc({ rpcUrl: `http://127.0.0.1:${port}`, timeoutMs });
}

const resultOf = ({ id, method }: Question) => ({ jsonrpc: '2.0', id, result: `of ${method}` });

async function unavailable(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => false,
    (error: unknown) => hasCode(error, 'chain_unavailable'),
  );
}

test('behavior: questions of one moment share a request, answers come in any order', async () => {
  const rpc = await nodeThat((questions, response) => {
    response.end(JSON.stringify(questions.map(resultOf).reverse()));
  });
  const answers = await Promise.all([rpc.ask('one', []), rpc.ask('two', [])]);
  expect(answers).toEqual(['of one', 'of two']);
  expect(await rpc.ask('three', [])).toBe('of three');
  expect(bodies.map(({ length }) => length)).toEqual([2, 1]);
  expect(connections).toBe(1);
});

test('behavior: of more questions than a request may have, each gets its own answer', async () => {
  const rpc = await nodeThat((questions, response) => {
    response.end(JSON.stringify(questions.map(resultOf)));
  });
  const names = Array.from({ length: 450 }, (_, index) => `n${index}`);
  const answers = await Promise.all(names.map((name) => rpc.ask(name, [])));
  expect(answers).toEqual(names.map((name) => `of ${name}`));
  expect(bodies.map(({ length }) => length).sort()).toEqual([200, 200, 50].sort());
});

test('behavior: an error of the node is told from no answer, also beside a null result', async () => {
  const error = { code: -32000, message: 'nonce too low' };
  const rpc = await nodeThat((questions, response) => {
    response.end(JSON.stringify(questions.map(({ id }) => ({ id, result: null, error }))));
  });
  const answer = await rpc.tell('eth_sendRawTransaction', []);
  expect(answer).toEqual({ outcome: 'error', ...error });
});

test('error: chain_unavailable, for each question without an answer of its own', async () => {
  const rpc = await nodeThat((questions, response) => {
    response.end(JSON.stringify(questions.slice(0, 1).map(resultOf)));
  });
  const [first, second] = [rpc.ask('one', []), unavailable(rpc.ask('two', []))];
  expect(await first).toBe('of one');
  expect(await second).toBe(true);
});

test.each<[string, Handler]>([
  ['a status that is no success', (_questions, response) => response.writeHead(500).end('[]')],
  ['one error for all', (_questions, response) => response.end('{"error":{"code":1}}')],
  ['an error that says nothing', (_questions, response) => response.end('[{"id":0,"error":{}}]')],
  ['what is no JSON', (_questions, response) => response.end('<html>')],
  ['half an answer', (_questions, response) => void response.write('[{', () => response.destroy())],
  ['a body that trickles for ever', (_questions, response) => void response.write('[')],
])('error: chain_unavailable, for %s', async (_what, handle) => {
  const rpc = await nodeThat(handle, 200);
  expect(await unavailable(rpc.ask('one', []))).toBe(true);
});

test('behavior: a connection that the node closed while idle costs one more try, not an answer', async () => {
  let count = 0;
  const rpc = await nodeThat((questions, response) => {
    count += 1;
    // The second text of a kept connection meets a socket that is reset under it.
    if (count === 2) response.socket?.resetAndDestroy();
    else response.end(JSON.stringify(questions.map(resultOf)));
  });
  expect(await rpc.ask('one', [])).toBe('of one');
  expect(await rpc.ask('two', [])).toBe('of two');
  expect(connections).toBe(2);
});
