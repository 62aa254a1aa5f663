import type {
  AuthorizationEnd,
  AuthorizationEventsRequest,
  BlockHeader,
  BlockTag,
  Chain,
  PayerRequest,
  SimulationRequest,
} from '@paycrawl/chain/chain';
import { authorizationEnds, decodeTransferWithAuthorization } from '@paycrawl/chain/usdc';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Hex } from 'viem';
import { type Block, type ChainModel, wouldSucceed } from './chain-model.js';
import type { Random } from './random.js';
import type { Life, Timeline } from './timeline.js';
import type { Weather } from './weather.js';

export interface ChainPortOptions {
  readonly timeline: Timeline;
  readonly weather: Weather;
  readonly random: Random;
  readonly model: ChainModel;
  /** Who the bytes of this port are from. */
  readonly signer?: Hex;
  /** Told of bytes when they are handed over, whatever becomes of them. */
  onSubmit?(raw: Hex): void;
}

export const chainId = 84532;
const lagBlocksMax = 4;

/** One node's answer at the time of the answer: it may be behind, forget, or not come at all. */
interface Node {
  readonly head: Block;
  at(tag: BlockTag): Block;
  forgets(): boolean;
}

/** The chain as one process sees it: every call may be answered by another node. */
export function createChainPort(life: Life, options: ChainPortOptions): Chain {
  const { model } = options;
  const ask = <T>(answer: (node: Node) => T): Promise<T> => request(life, options, answer);
  return {
    chainId,
    identity: () => ask(() => ({ chainId, genesisHash: model.genesisHash })),
    head: () => ask(({ head }) => headerOf(head)),
    block: (id) =>
      ask((node) => {
        const found = model.block(id);
        const isUnknown = found === undefined || found.number > node.head.number;
        return isUnknown || node.forgets() ? undefined : headerOf(found);
      }),
    observePayers: (requests, depth) => ask((node) => observe(node, requests, depth)),
    authorizationStates: ({ authorizations, blockNumber }) =>
      ask((node) => {
        const { ended } = node.at(blockNumber).state;
        return authorizations.map(({ authorizer, nonce }) => ended.has(`${authorizer}/${nonce}`));
      }),
    authorizationEvents: (wanted) =>
      ask((node) => endsIn(model, node, wanted).filter(() => !node.forgets())),
    isValidSignature: () => ask(({ head }) => signatureOf(head)),
    simulate: (wanted) => ask((node) => simulate(node, wanted)),
    hasCode: (addresses, tag) =>
      ask((node) => addresses.map((one) => node.at(tag).state.codes.has(one.toLowerCase()))),
    transactionAt: (hash) => ask((node) => receiptAt(model, node, hash)),
    accountNonce: (address, tag) => ask((node) => node.at(tag).state.nonces.get(address) ?? 0),
    balanceOf: (_asset, owner, tag) => ask((node) => balance(node.at(tag), owner)),
    gasBalanceWei: () => ask(() => 10n ** 18n),
    fees: () => ask(() => ({ baseFeeWei: model.baseFeeWei, tipWei: 1_000_000n })),
    submit: (raw) => submit(life, options, raw),
  };
}

/** Settled answers stand for ever: for checks, without any fault. */
export function createTruthfulPort(model: ChainModel): Chain {
  const now = { name: 'truth', isDead: false, skewMs: 0 };
  const instantly: Timeline = {
    ...{ nowMs: 0, handled: 0, running: now },
    after: (_delayMs, _life, run) => {
      run();
      return { cancel: () => {} };
    },
    sleep: async () => {},
    as: (_life, run) => run(),
    runUntil: async () => {},
    jump: () => {},
  };
  const clear: Weather = {
    isClear: true,
    delayMs: () => 0,
    happens: () => false,
    clear: () => {},
  };
  const random = { between: () => 0 } as unknown as Random;
  return createChainPort(now, { timeline: instantly, weather: clear, random, model });
}

function request<T>(
  life: Life,
  { timeline, weather, random, model }: ChainPortOptions,
  answer: (node: Node) => T,
): Promise<T> {
  if (life.isDead) return new Promise(() => {});
  const isFailed = weather.happens('chain_failed');
  const lag = weather.happens('chain_stale') ? random.between(1, lagBlocksMax) : 0;
  return new Promise((resolve, reject) => {
    timeline.after(weather.delayMs('chain'), life, () => {
      if (isFailed) return reject(unavailable('no answer'));
      try {
        resolve(answer(nodeOf(model, weather, lag)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function nodeOf(model: ChainModel, weather: Weather, lag: number): Node {
  const newest = model.head();
  const head = model.block(Math.max(0, newest.number - lag)) ?? newest;
  return {
    head,
    at(tag) {
      if (typeof tag !== 'number') return head;
      const found = model.block(tag);
      if (found !== undefined && tag <= head.number) return found;
      throw unavailable(`block ${tag} is not known here`);
    },
    forgets: () => weather.happens('chain_forgetful'),
  };
}

function unavailable(detail: string) {
  return fail('chain_unavailable', `The node: ${detail}.`);
}

function headerOf({ number, hash, parentHash, timestampS, baseFeeWei }: Block): BlockHeader {
  return { number, hash, parentHash, timestampS, baseFeeWei };
}

function balance({ state }: Block, owner: string): bigint {
  return state.balances.get(owner) ?? 0n;
}

function signatureOf({ number }: Block) {
  return { valid: true, hasCode: false, blockNumber: number };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The smaller balance of depth and head; a nonce is used if it is used at either. */
function observe({ head, at }: Node, requests: readonly PayerRequest[], depth: number) {
  const deep = at(Math.max(0, head.number - depth));
  return {
    block: headerOf(deep),
    head: headerOf(head),
    payers: requests.map(({ payer, asset, nonces }) => {
      return {
        ...{
          payer,
          asset,
          hasCode: head.state.codes.has(payer),
          balance: smaller(balance(deep, payer), balance(head, payer)),
        },
        nonces: nonces.map((nonce) => {
          const pair = `${payer}/${nonce}`;
          return { nonce, used: deep.state.ended.has(pair) || head.state.ended.has(pair) };
        }),
      };
    }),
  };
}

function endsIn(
  model: ChainModel,
  node: Node,
  { asset, authorizations, fromBlock, toBlock }: AuthorizationEventsRequest,
): AuthorizationEnd[] {
  const wanted = new Set(authorizations.map(({ authorizer, nonce }) => `${authorizer}/${nonce}`));
  const found: AuthorizationEnd[] = [];
  for (
    let number = Math.max(1, fromBlock);
    number <= Math.min(toBlock, node.head.number);
    number++
  ) {
    for (const [transactionHash, receipt] of model.block(number)?.receipts ?? []) {
      if (receipt.logs.length === 0) continue;
      const ends = authorizationEnds(asset, receipt.logs, { ...receipt, transactionHash });
      found.push(...ends.filter(({ authorizer, nonce }) => wanted.has(`${authorizer}/${nonce}`)));
    }
  }
  return found;
}

function simulate({ head }: Node, { groups }: SimulationRequest): boolean[] {
  const balances = new Map(head.state.balances);
  const ended = new Set(head.state.ended);
  return groups.map((group) => {
    const last = group.at(-1);
    const call = last && decodeTransferWithAuthorization(last.data)?.authorization;
    if (call === undefined) return false;
    const from = call.from.toLowerCase();
    const to = call.to.toLowerCase();
    const lower = { ...call, from, to, nonce: call.nonce.toLowerCase() };
    if (!wouldSucceed({ ...head.state, balances, ended }, lower, head.timestampS)) return false;
    balances.set(from, (balances.get(from) ?? 0n) - call.value);
    ended.add(`${from}/${lower.nonce}`);
    return true;
  });
}

function receiptAt(model: ChainModel, node: Node, hash: Hex) {
  if (node.forgets()) return { outcome: 'absent' } as const;
  for (let number = node.head.number; number > 0; number--) {
    const receipt = model.block(number)?.receipts.get(hash);
    if (receipt !== undefined) return { outcome: 'mined', succeeded: true, ...receipt } as const;
  }
  return { outcome: 'absent' } as const;
}

/** The bytes may be lost, or the answer: a node that took them says nothing of their fate. */
function submit(life: Life, options: ChainPortOptions, raw: Hex): ReturnType<Chain['submit']> {
  const { timeline, weather, model, signer } = options;
  if (life.isDead || signer === undefined) return new Promise(() => {});
  options.onSubmit?.(raw);
  const [isLost, isUnanswered] = [weather.happens('submit_lost'), weather.happens('chain_failed')];
  const network = { name: `${life.name} (chain)`, isDead: false, skewMs: 0 };
  return new Promise((resolve, reject) => {
    timeline.after(weather.delayMs('chain'), network, () => {
      const answer = isLost ? ({ outcome: 'sent' } as const) : model.submit(raw, signer);
      const reply = isUnanswered
        ? () => reject(unavailable('no answer to the bytes'))
        : () => resolve(answer);
      timeline.after(weather.delayMs('chain'), life, reply);
    });
  });
}
