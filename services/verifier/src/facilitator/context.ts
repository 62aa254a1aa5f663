import type { Chain } from '@paycrawl/chain/chain';
import type { Address } from '@paycrawl/crypto/address';
import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { hexFromBytes } from '@paycrawl/crypto/hex';
import type { Recover } from '@paycrawl/crypto/recover';
import type { Producer } from '@paycrawl/event-log/event-log';
import { partitionForKey } from '@paycrawl/event-log/partitioner';
import { type AnyEvent, encodeEvent } from '@paycrawl/events/event';
import { chargeId, payerId } from '@paycrawl/events/ids';
import { physicalTopic } from '@paycrawl/events/topics';
import type { ReadView } from '@paycrawl/fold/fold';
import type { Token } from '@paycrawl/protocol/exact-evm';
import type { FacilitatorRequest } from '@paycrawl/protocol/facilitator';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import type { VerifierConfig } from '../config.js';
import type { DecisionHub } from './decision-hub.js';
import type { PayerObserver } from './payer-observer.js';

/** What the routes of the facilitator work with. */
export interface FacilitatorContext {
  readonly config: VerifierConfig;
  readonly chain: Chain;
  readonly token: Token;
  readonly producer: Producer;
  readonly hub: DecisionHub;
  readonly observer: PayerObserver;
  readonly recover: Recover;
  /** Names this process where wake-ups go. */
  readonly ingressId: string;
  readonly partitions: { readonly payer: number; readonly publisher: number };
  /** Aborted when the service closes: nobody waits on. */
  readonly closing: AbortSignal;
  /** The fold's state of a partition, where this process owns it. */
  stateOf(partition: number): ReadView | undefined;
  clock(): number;
  newId(): string;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
  /** Of the request that is being answered, where it is recorded. */
  readonly trace?: string;
}

/** The payment in the terms of the log. */
export interface Subject {
  readonly payer: string;
  readonly chargeId: string;
  readonly partition: number;
}

export function subjectOf(
  { token, payer, authorization }: FacilitatorRequest,
  context: FacilitatorContext,
): Subject {
  const id = payerId(token.network, payer);
  return {
    payer: id,
    chargeId: chargeId(token.network, token.asset, authorization.from, authorization.nonce),
    partition: partitionForKey(id, context.partitions.payer),
  };
}

export function tokenOf(context: FacilitatorContext) {
  const { token } = context;
  return (network: string, asset: string) =>
    network === token.network && asset === token.asset ? token : undefined;
}

/** Resolves when durable. */
export async function appendChallenge(
  context: FacilitatorContext,
  account: string,
  event: AnyEvent,
): Promise<void> {
  const partition = partitionForKey(account, context.partitions.publisher);
  const topic = physicalTopic('challenges');
  await context.producer.append([{ topic, partition, key: account, value: encodeEvent(event) }]);
}

/** Asks the payer's account itself about the signature (EIP-1271, ERC-6492, EIP-7702). */
export async function askAccount(
  { payer, signature, token, authorization }: FacilitatorRequest,
  chain: Chain,
): Promise<{ readonly valid: boolean; readonly blockNumber: number }> {
  const separator = domainSeparator({ ...token, verifyingContract: token.asset });
  const digest = transferAuthorizationDigest(separator, {
    ...authorization,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
  });
  const hash = hexFromBytes(digest);
  return chain.isValidSignature({ payer: payer as Address, hash, signature, block: 'latest' });
}
