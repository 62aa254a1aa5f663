import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Hex } from 'viem';
import { openPost, type Post } from './json-post.js';
import { asHex, asList, asRecord, unreadable } from './read-answer.js';

export interface RpcOptions {
  readonly rpcUrl: string;
  /** Bound of one HTTP exchange, body included. */
  readonly timeoutMs: number;
}

/** JSON-RPC over HTTP; calls made in the same tick share one HTTP request. */
export interface Rpc {
  /** Throws `chain_unavailable` for whatever is not a result. */
  ask(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Tells an error that the node answered from a node that did not answer. */
  tell(method: string, params: readonly unknown[]): Promise<RpcAnswer>;
  /** `eth_call`; a revert is an answer. */
  call(request: CallRequest): Promise<CallAnswer>;
}

export type RpcAnswer =
  | { readonly outcome: 'result'; readonly result: unknown }
  | { readonly outcome: 'error'; readonly code: number; readonly message: string };

export interface CallRequest {
  readonly to?: Hex;
  readonly data: Hex;
  readonly gas?: bigint;
  readonly block: number | string;
}

export type CallAnswer =
  | { readonly outcome: 'returned'; readonly data: Hex }
  | { readonly outcome: 'reverted' };

/**
 * Words by which nodes say that the EVM ran and failed. Anything else (rate limits, missing
 * state, unknown methods) is no answer about the contract.
 */
const evmFailure =
  /execution reverted|out ?of ?gas|invalid ?opcode|invalid ?jump|stack ?(under|over)flow|evm error/i;

const revertErrorCode = 3;

/** Questions of one HTTP request. */
const questionsPerRequestMax = 200;

interface Question {
  readonly method: string;
  readonly params: readonly unknown[];
  answer(answer: RpcAnswer): void;
  fail(error: Error): void;
}

export function openRpc(options: RpcOptions): Rpc {
  const post = openPost(options.rpcUrl, options.timeoutMs);
  let waiting: Question[] = [];
  const flush = (): void => {
    const questions = waiting;
    waiting = [];
    for (let start = 0; start < questions.length; start += questionsPerRequestMax) {
      void askTogether(post, questions.slice(start, start + questionsPerRequestMax));
    }
  };
  const tell = (method: string, params: readonly unknown[]): Promise<RpcAnswer> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ method, params, answer: resolve, fail: reject });
    });
  const ask = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    const answer = await tell(method, params);
    if (answer.outcome === 'result') return answer.result;
    throw unavailable(method, answer);
  };
  const call = async (request: CallRequest): Promise<CallAnswer> => {
    const { block, gas, ...rest } = request;
    const transaction = gas === undefined ? rest : { ...rest, gas: quantity(gas) };
    const answer = await tell('eth_call', [transaction, blockParameter(block)]);
    if (answer.outcome === 'result') return { outcome: 'returned', data: asHex(answer.result) };
    const reverted = answer.code === revertErrorCode || evmFailure.test(answer.message);
    if (reverted) return { outcome: 'reverted' };
    throw unavailable('eth_call', answer);
  };
  return { ask, tell, call };
}

export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`;
}

export function blockParameter(block: number | string): string {
  return typeof block === 'number' ? quantity(block) : block;
}

function unavailable(method: string, cause: unknown) {
  return fail('chain_unavailable', 'The chain node did not answer.', {
    cause,
    context: { method },
  });
}

/** One request for all; who gets no answer of its own gets none. */
async function askTogether(post: Post, questions: readonly Question[]): Promise<void> {
  const asked = questions.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }));
  try {
    const answers = answersById(JSON.parse(await post(JSON.stringify(asked))));
    for (const [id, question] of questions.entries()) {
      const answer = answers.get(id);
      if (answer === undefined) question.fail(unavailable(question.method, 'no answer'));
      else question.answer(answer);
    }
  } catch (error) {
    for (const question of questions) question.fail(unavailable(question.method, error));
  }
}

/** Answers of a batch come in any order (JSON-RPC 2.0, section 6). */
function answersById(body: unknown): ReadonlyMap<unknown, RpcAnswer> {
  const answers = new Map<unknown, RpcAnswer>();
  for (const value of asList(body)) {
    const { id, result, error } = asRecord(value);
    // Some nodes write `"result": null` beside an error, and null is an answer of its own.
    const isError = error !== undefined && error !== null;
    if (isError) answers.set(id, errorAnswer(asRecord(error)));
    else if (result !== undefined) answers.set(id, { outcome: 'result', result });
  }
  return answers;
}

function errorAnswer({ code, message }: Readonly<Record<string, unknown>>): RpcAnswer {
  if (typeof code !== 'number' || typeof message !== 'string') throw unreadable({ code, message });
  return { outcome: 'error', code, message };
}
