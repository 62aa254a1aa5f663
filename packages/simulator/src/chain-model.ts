import type { BlockHeader, Log, SubmitAnswer } from '@paycrawl/chain/chain';
import { decodeAggregate3 } from '@paycrawl/chain/multicall3';
import { readTransaction, transactionHash } from '@paycrawl/chain/transaction';
import {
  authorizationCanceledTopic,
  authorizationUsedTopic,
  decodeTransferWithAuthorization,
  transferTopic,
} from '@paycrawl/chain/usdc';
import { hexFromBytes } from '@paycrawl/crypto/hex';
import { keccak256 } from '@paycrawl/crypto/keccak';
import type { Hex } from 'viem';

/**
 * A small chain: blocks that may be taken back, balances, EIP-3009 nonces, one Multicall3 in which
 * each call may fail alone, and a mempool in which a higher fee replaces. All of it deterministic.
 */
export interface ChainModel {
  readonly genesisHash: Hex;
  head(): Block;
  block(id: number | Hex): Block | undefined;
  /** Bytes of one of our signers; anybody may send them. */
  submit(raw: Hex, signer: Hex): SubmitAnswer;
  /** What others do, in the next block: pay in, spend, cancel, settle an authorization. */
  act(action: Action): void;
  mine(timestampS: number): void;
  /** The newest blocks never were; their transactions may come again. */
  reorganise(depth: number, keeps: (transaction: Transaction) => boolean): void;
  /** Nodes forget what waits. */
  forget(keeps: (transaction: Transaction) => boolean): void;
  waiting(): readonly Transaction[];
  baseFeeWei: bigint;
}

export type Action =
  | { readonly kind: 'mint'; readonly to: string; readonly value: bigint }
  | { readonly kind: 'spend'; readonly from: string; readonly value: bigint }
  | { readonly kind: 'cancel'; readonly from: string; readonly nonce: string }
  | { readonly kind: 'use'; readonly transfer: TransferCall }
  | { readonly kind: 'stranger'; readonly signer: string }
  | { readonly kind: 'code'; readonly of: string; readonly refuses: boolean };

export interface TransferCall {
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: string;
}

export interface Transaction {
  readonly hash: Hex;
  readonly signer: Hex;
  readonly nonce: number;
  readonly maxFeePerGasWei: bigint;
  readonly tipPerGasWei: bigint;
  readonly transfers: readonly TransferCall[];
}

export interface Receipt {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly gasUsed: bigint;
  readonly feeWei: bigint;
  readonly logs: readonly Log[];
}

/** State after a block; shared with the block before where nothing happened. */
export interface ChainState {
  readonly balances: ReadonlyMap<string, bigint>;
  /** `from/nonce` of every authorization that ended. */
  readonly ended: ReadonlySet<string>;
  readonly nonces: ReadonlyMap<string, number>;
  /** Accounts that have code, and whether it refuses to pay. */
  readonly codes: ReadonlyMap<string, boolean>;
}

export interface Block extends BlockHeader {
  readonly state: ChainState;
  readonly receipts: ReadonlyMap<Hex, Receipt>;
  readonly transactions: readonly Transaction[];
  readonly actions: readonly Action[];
}

const usdc: Hex = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';

export function createChainModel(seed: string, timestampS: number): ChainModel {
  const blocks: Block[] = [];
  const pool = new Map<string, Transaction>();
  let actions: Action[] = [];
  let forks = 0;

  function add(
    header: { number: number; parentHash: Hex; timestampS: number },
    done: Executed,
  ): void {
    const hash = hashOf(`${seed}/${header.parentHash}/${header.number}/${forks}`);
    blocks.push({
      ...header,
      hash,
      baseFeeWei: model.baseFeeWei,
      ...withBlock(done, header.number, hash),
    });
  }

  const model: ChainModel = {
    genesisHash: hashOf(`${seed}/genesis`),
    baseFeeWei: 1_000_000_000n,
    head: () => blocks.at(-1) as Block,
    block: (id) =>
      typeof id === 'number' ? blocks[id] : blocks.find(({ hash }) => hash === id.toLowerCase()),
    submit: (raw, signer) => submit(pool, model.head(), readOnce(raw, signer), model.baseFeeWei),
    act: (action) => void actions.push(action),
    mine(atS) {
      const parent = model.head();
      const taken = takeFrom(pool, parent.state, model.baseFeeWei);
      const header = { number: parent.number + 1, parentHash: parent.hash };
      const timestamp = Math.max(atS, parent.timestampS + 1);
      const done = execute(parent.state, actions, taken, timestamp, model.baseFeeWei);
      actions = [];
      add({ ...header, timestampS: timestamp }, done);
      for (const { signer, nonce } of taken) pool.delete(`${signer}/${nonce}`);
    },
    reorganise(depth, keeps) {
      const gone = blocks.splice(Math.max(1, blocks.length - depth));
      forks += 1;
      for (const { transactions, actions: others } of gone) {
        actions.push(...others);
        for (const one of transactions) {
          const key = `${one.signer}/${one.nonce}`;
          if (keeps(one) && !pool.has(key)) pool.set(key, one);
        }
      }
    },
    forget(keeps) {
      for (const [key, one] of pool) if (!keeps(one)) pool.delete(key);
    },
    waiting: () => [...pool.values()],
  };
  const empty = {
    balances: new Map(),
    ended: new Set<string>(),
    nonces: new Map(),
    codes: new Map(),
  };
  const nothing = { state: empty, receipts: new Map(), transactions: [], actions: [] };
  blocks.push({
    ...{ number: 0, hash: model.genesisHash, parentHash: hashOf('none'), timestampS },
    ...{ baseFeeWei: model.baseFeeWei, ...nothing },
  });
  return model;
}

function hashOf(text: string): Hex {
  return hexFromBytes(keccak256(Buffer.from(text)));
}

const known = new Map<Hex, Omit<Transaction, 'signer'>>();
const knownMax = 5_000;

/** Decoding is most of the work, and the same bytes are sent again and again. */
function readOnce(raw: Hex, signer: Hex): Transaction {
  const before = known.get(raw);
  if (before !== undefined) return { ...before, signer };
  const draft = readTransaction(raw);
  const data = draft?.data ?? '0x';
  const read = {
    hash: transactionHash(raw),
    nonce: draft?.nonce ?? 0,
    maxFeePerGasWei: draft?.maxFeePerGasWei ?? 0n,
    tipPerGasWei: draft?.tipPerGasWei ?? 0n,
    transfers: data === '0x' ? [] : transfersIn(data),
  };
  if (known.size >= knownMax) known.clear();
  known.set(raw, read);
  return { ...read, signer };
}

export function transfersIn(data: Hex): TransferCall[] {
  return decodeAggregate3(data).flatMap((call) => {
    const found = decodeTransferWithAuthorization(call.data)?.authorization;
    if (found === undefined) return [];
    const { value, validAfter, validBefore } = found;
    const from = found.from.toLowerCase();
    const to = found.to.toLowerCase();
    return [{ from, to, value, validAfter, validBefore, nonce: found.nonce.toLowerCase() }];
  });
}

/** As nodes do: a waiting transaction is replaced only by fees at least 10 % higher. */
function submit(
  pool: Map<string, Transaction>,
  head: Block,
  sent: Transaction,
  baseFeeWei: bigint,
): SubmitAnswer {
  const refused = (reason: 'nonce_too_low' | 'underpriced', detail: string): SubmitAnswer => ({
    ...{ outcome: 'refused', reason, detail },
  });
  if (sent.nonce < (head.state.nonces.get(sent.signer) ?? 0)) return refused('nonce_too_low', '');
  const key = `${sent.signer}/${sent.nonce}`;
  const before = pool.get(key);
  if (before?.hash === sent.hash) return { outcome: 'known' };
  if (sent.maxFeePerGasWei < baseFeeWei / 2n) return refused('underpriced', 'far below the market');
  const isHigher =
    before === undefined ||
    (sent.maxFeePerGasWei * 10n >= before.maxFeePerGasWei * 11n &&
      sent.tipPerGasWei * 10n >= before.tipPerGasWei * 11n);
  if (!isHigher) return refused('underpriced', 'replacement transaction underpriced');
  pool.set(key, sent);
  return { outcome: 'sent' };
}

/** Every signer's transactions in the order of their nonces, as far as their fees allow. */
function takeFrom(
  pool: ReadonlyMap<string, Transaction>,
  { nonces }: ChainState,
  baseFeeWei: bigint,
): Transaction[] {
  const signers = [...new Set([...pool.values()].map(({ signer }) => signer))].sort();
  return signers.flatMap((signer) => {
    const taken: Transaction[] = [];
    for (let nonce = nonces.get(signer) ?? 0; ; nonce++) {
      const next = pool.get(`${signer}/${nonce}`);
      if (next === undefined || next.maxFeePerGasWei < baseFeeWei) return taken;
      taken.push(next);
    }
  });
}

interface Executed {
  readonly state: ChainState;
  readonly transactions: readonly Transaction[];
  readonly actions: readonly Action[];
  readonly results: readonly {
    readonly hash: Hex;
    readonly feeWei: bigint;
    readonly logs: Log[];
  }[];
}

function withBlock(
  { state, transactions, actions, results }: Executed,
  blockNumber: number,
  blockHash: Hex,
) {
  const receipts = new Map(
    results.map(({ hash, feeWei, logs }) => [
      hash,
      { blockNumber, blockHash, gasUsed: 100_000n, feeWei, logs },
    ]),
  );
  return { state, transactions, actions, receipts };
}

function execute(
  before: ChainState,
  actions: readonly Action[],
  transactions: readonly Transaction[],
  timestampS: number,
  baseFeeWei: bigint,
): Executed {
  if (actions.length + transactions.length === 0) {
    return { state: before, transactions, actions, results: [] };
  }
  const state = {
    balances: new Map(before.balances),
    ended: new Set(before.ended),
    nonces: new Map(before.nonces),
    codes: new Map(before.codes),
  };
  const results = actions.map((action, index) => {
    const hash = hashOf(`action/${timestampS}/${index}/${JSON.stringify(action, textOfBigint)}`);
    return { hash, feeWei: 0n, logs: logsOf(applyAction(state, action, timestampS)) };
  });
  for (const { hash, signer, nonce, transfers } of transactions) {
    state.nonces.set(signer, nonce + 1);
    const facts = transfers.flatMap((call) => transfer(state, call, timestampS));
    results.push({ hash, feeWei: baseFeeWei * 100_000n, logs: logsOf(facts) });
  }
  return { state, transactions, actions, results };
}

function textOfBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

interface MutableState {
  readonly balances: Map<string, bigint>;
  readonly ended: Set<string>;
  readonly nonces: Map<string, number>;
  readonly codes: Map<string, boolean>;
}

interface Fact {
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

function applyAction(state: MutableState, action: Action, timestampS: number): Fact[] {
  const { balances, ended } = state;
  switch (action.kind) {
    case 'mint':
      balances.set(action.to, (balances.get(action.to) ?? 0n) + action.value);
      return [];
    case 'spend': {
      const left = (balances.get(action.from) ?? 0n) - action.value;
      balances.set(action.from, left < 0n ? 0n : left);
      return [];
    }
    case 'cancel': {
      const pair = `${action.from}/${action.nonce}`;
      if (ended.has(pair)) return [];
      ended.add(pair);
      const topics = [authorizationCanceledTopic, wordOf(action.from), action.nonce as Hex];
      return [{ topics, data: '0x' }];
    }
    case 'use':
      return transfer(state, action.transfer, timestampS);
    case 'stranger':
      state.nonces.set(action.signer, (state.nonces.get(action.signer) ?? 0) + 1);
      return [];
    case 'code':
      state.codes.set(action.of, action.refuses);
      return [];
    default:
      return action satisfies never;
  }
}

/** `transferWithAuthorization`: all of it or, failing, nothing of it. */
function transfer(state: MutableState, call: TransferCall, timestampS: number): Fact[] {
  if (!wouldSucceed(state, call, timestampS)) return [];
  const { balances, ended } = state;
  const { from, to, value, nonce } = call;
  balances.set(from, (balances.get(from) ?? 0n) - value);
  balances.set(to, (balances.get(to) ?? 0n) + value);
  ended.add(`${from}/${nonce}`);
  return [
    { topics: [authorizationUsedTopic, wordOf(from), nonce as Hex], data: '0x' },
    { topics: [transferTopic, wordOf(from), wordOf(to)], data: wordOf(value.toString(16)) },
  ];
}

export function wouldSucceed(
  { balances, ended, codes }: Pick<ChainState, 'balances' | 'ended' | 'codes'>,
  { from, value, validAfter, validBefore, nonce }: TransferCall,
  timestampS: number,
): boolean {
  const now = BigInt(timestampS);
  if (now <= validAfter || now >= validBefore || ended.has(`${from}/${nonce}`)) return false;
  if (codes.get(from) === true) return false;
  return (balances.get(from) ?? 0n) >= value;
}

function wordOf(hex: string): Hex {
  return `0x${hex.replace(/^0x/, '').padStart(64, '0')}`;
}

function logsOf(facts: readonly Fact[]): Log[] {
  return facts.map(({ topics, data }, logIndex) => ({ address: usdc, topics, data, logIndex }));
}
