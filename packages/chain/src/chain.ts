import type { Address, Hex } from 'viem';
import type { Call } from './multicall3.js';

/**
 * What paycrawl asks of an EVM chain. Every operation either answers or throws
 * `chain_unavailable` (retryable); a negative answer is always a value, so "unknown" is never
 * mistaken for "no". Block numbers are plain numbers, amounts are bigint in atomic units.
 */
export interface Chain {
  readonly chainId: number;
  /** Chain id and genesis hash as the node tells them; the caller compares with what it knows. */
  identity(): Promise<ChainIdentity>;
  head(): Promise<BlockHeader>;
  /** `undefined`: the node answered that it has no such block. */
  block(id: number | Hex): Promise<BlockHeader | undefined>;
  /**
   * Funds, code and nonces of many payers, read at `depth` blocks below the head and at the head.
   * A balance is the smaller of the two; a nonce is used if it is used at either.
   */
  observePayers(requests: readonly PayerRequest[], depth: number): Promise<PayersObservation>;
  /** `authorizationState` of each pair at one block: true = used or cancelled. */
  authorizationStates(request: AuthorizationStatesRequest): Promise<readonly boolean[]>;
  /** Those of the authorizations that ended (used or cancelled) in the block range, and how. */
  authorizationEvents(request: AuthorizationEventsRequest): Promise<readonly AuthorizationEnd[]>;
  /** EIP-1271, ERC-6492, EIP-7702 and plain accounts, as the asset's contract would decide. */
  isValidSignature(request: SignatureRequest): Promise<SignatureAnswer>;
  /**
   * Runs the groups of calls one after the other at the head, through Multicall3 as settlement
   * does: whether the last call of each group would succeed.
   */
  simulate(request: SimulationRequest): Promise<readonly boolean[]>;
  /** Whether each address has code (contracts and EIP-7702 delegated accounts). */
  hasCode(addresses: readonly Address[], block: BlockTag): Promise<readonly boolean[]>;
  transactionAt(hash: Hex): Promise<TransactionAnswer>;
  /** Transactions sent by the account up to the block, which is its next nonce. */
  accountNonce(address: Address, block: BlockTag): Promise<number>;
  balanceOf(asset: Address, owner: Address, block: BlockTag): Promise<bigint>;
  /** Balance of the network's own asset, in wei. */
  gasBalanceWei(address: Address): Promise<bigint>;
  fees(): Promise<Fees>;
  /** Sends bytes that are already signed; sending the same bytes again is harmless. */
  submit(rawTransaction: Hex): Promise<SubmitAnswer>;
}

export type BlockTag = number | 'latest' | 'pending';

export interface ChainIdentity {
  readonly chainId: number;
  readonly genesisHash: Hex;
}

export interface BlockHeader {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly timestampS: number;
  readonly baseFeeWei: bigint;
}

export interface PayerRequest {
  readonly payer: Address;
  readonly asset: Address;
  readonly nonces: readonly Hex[];
}

export interface PayersObservation {
  /** The block at depth; an observation is as new as this block. */
  readonly block: BlockHeader;
  readonly head: BlockHeader;
  /** In the order of the requests. */
  readonly payers: readonly PayerObservation[];
}

export interface PayerObservation {
  readonly payer: Address;
  readonly asset: Address;
  readonly balance: bigint;
  readonly hasCode: boolean;
  readonly nonces: readonly { readonly nonce: Hex; readonly used: boolean }[];
}

export interface AuthorizationStatesRequest {
  readonly asset: Address;
  readonly authorizations: readonly { readonly authorizer: Address; readonly nonce: Hex }[];
  readonly blockNumber: number;
}

export interface AuthorizationEventsRequest {
  readonly asset: Address;
  readonly authorizations: readonly { readonly authorizer: Address; readonly nonce: Hex }[];
  readonly fromBlock: number;
  readonly toBlock: number;
}

/** How one authorization ended on chain. */
export interface AuthorizationEnd {
  readonly authorizer: Address;
  readonly nonce: Hex;
  readonly kind: 'used' | 'cancelled';
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly logIndex: number;
  /** The transfer that this use made: the asset's next `Transfer` log of the same transaction. */
  readonly transfer: Transfer | undefined;
}

export interface Transfer {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly logIndex: number;
}

export interface SignatureRequest {
  readonly payer: Address;
  readonly hash: Hex;
  readonly signature: Hex;
  readonly block: BlockTag;
}

export interface SignatureAnswer {
  readonly valid: boolean;
  readonly hasCode: boolean;
  readonly blockNumber: number;
}

export interface SimulationRequest {
  readonly groups: readonly (readonly Call[])[];
  readonly gasMax: bigint;
}

export interface Log {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly logIndex: number;
}

export type TransactionAnswer =
  | { readonly outcome: 'absent' }
  | {
      readonly outcome: 'mined';
      readonly succeeded: boolean;
      readonly blockNumber: number;
      readonly blockHash: Hex;
      readonly gasUsed: bigint;
      /** All that the sender paid: execution plus, on rollups, the fee for the first layer. */
      readonly feeWei: bigint;
      readonly logs: readonly Log[];
    };

export interface Fees {
  readonly baseFeeWei: bigint;
  readonly tipWei: bigint;
}

/**
 * `known`: the node has these bytes already. A refusal says nothing about whether another
 * transaction with the same nonce was mined: the caller asks at depth.
 */
export type SubmitAnswer =
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'known' }
  | {
      readonly outcome: 'refused';
      readonly reason: 'nonce_too_low' | 'underpriced' | 'insufficient_gas_funds' | 'other';
      readonly detail: string;
    };
