import type { Hex } from '@paycrawl/crypto/hex';
import type { Recovery } from '@paycrawl/crypto/recover';
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import {
  checkFields,
  checkSignature,
  ExactEvmPayload,
  type SignatureState,
  type SignedAuthorization,
  type SignedClaim,
  type Token,
} from './exact-evm.js';
import { networkOfV1Name } from './networks.js';
import type { Dialect } from './proof.js';
import { type Refusal, refuse } from './refusal.js';

/** Bodies of the x402 facilitator API, POST /verify and POST /settle, versions 1 and 2. */

const Extra = Type.Optional(Type.Union([Type.Null(), Type.Record(Type.String(), Type.Unknown())]));
const AtomicText = Type.RegExp(/^(0|[1-9][0-9]{0,77})$/);
const EvmAddress = Type.RegExp(/^0x[0-9a-fA-F]{40}$/);
const Seconds = Type.Number({ exclusiveMinimum: 0 });

export const RequirementsV2 = Type.Object({
  scheme: Type.String({ minLength: 1, maxLength: 64 }),
  network: Type.String({ minLength: 3, maxLength: 64, pattern: ':' }),
  amount: AtomicText,
  asset: EvmAddress,
  payTo: EvmAddress,
  maxTimeoutSeconds: Seconds,
  extra: Extra,
});

export const RequirementsV1 = Type.Object({
  scheme: Type.String({ minLength: 1, maxLength: 64 }),
  network: Type.String({ minLength: 1, maxLength: 64 }),
  maxAmountRequired: AtomicText,
  resource: Type.Optional(Type.String({ maxLength: 8192 })),
  asset: EvmAddress,
  payTo: EvmAddress,
  maxTimeoutSeconds: Seconds,
  extra: Extra,
});

export const FacilitatorRequestV2 = Type.Object({
  x402Version: Type.Optional(Type.Number()),
  paymentPayload: Type.Object({
    x402Version: Type.Literal(2),
    accepted: Type.Object({ scheme: Type.String(), network: Type.String() }),
    payload: ExactEvmPayload,
  }),
  paymentRequirements: RequirementsV2,
});

export const FacilitatorRequestV1 = Type.Object({
  x402Version: Type.Optional(Type.Number()),
  paymentPayload: Type.Object({
    x402Version: Type.Literal(1),
    scheme: Type.String(),
    network: Type.String(),
    payload: ExactEvmPayload,
  }),
  paymentRequirements: RequirementsV1,
});

export const FacilitatorRequestBody = Type.Union([FacilitatorRequestV2, FacilitatorRequestV1]);

export const VerifyAnswer = Type.Union([
  Type.Object({ isValid: Type.Literal(true), payer: EvmAddress }),
  Type.Object({
    isValid: Type.Literal(false),
    invalidReason: Type.String(),
    payer: Type.Optional(EvmAddress),
  }),
]);
export type VerifyAnswer = Static<typeof VerifyAnswer>;

export const SettleAnswer = Type.Union([
  Type.Object({
    success: Type.Literal(true),
    payer: EvmAddress,
    transaction: Type.String(),
    network: Type.String(),
  }),
  Type.Object({
    success: Type.Literal(false),
    errorReason: Type.String(),
    payer: Type.Optional(EvmAddress),
    /** The hash with `settlement_pending`, otherwise empty. */
    transaction: Type.String(),
    network: Type.String(),
  }),
]);
export type SettleAnswer = Static<typeof SettleAnswer>;

export const SupportedAnswer = Type.Object({
  kinds: Type.Array(
    Type.Object({
      x402Version: Type.Number(),
      scheme: Type.String(),
      network: Type.String(),
      extra: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
  ),
  extensions: Type.Array(Type.String()),
  /** By CAIP family, e.g. `eip155:*`. */
  signers: Type.Record(Type.String(), Type.Array(Type.String())),
});
export type SupportedAnswer = Static<typeof SupportedAnswer>;

export interface FacilitatorContext {
  readonly nowMs: number;
  readonly marginS: number;
  /** Both arguments lower case. */
  readonly tokenOf: (network: string, asset: string) => Token | undefined;
}

export interface FacilitatorRequest {
  readonly kind: 'request';
  readonly dialect: Dialect;
  readonly token: Token;
  /** As the caller spells it: answers repeat it. */
  readonly networkName: string;
  readonly payTo: string;
  readonly amount: bigint;
  readonly payer: string;
  readonly authorization: SignedAuthorization;
  readonly signature: Hex;
  readonly check: SignatureState;
}

export type FacilitatorReading =
  | FacilitatorRequest
  /** A verdict about the payment: HTTP 200 with the reason. */
  | (Refusal & { readonly networkName: string });

/** A request that nobody has asked yet who signed it. */
export interface FacilitatorClaim {
  readonly kind: 'claim';
  readonly request: Omit<FacilitatorRequest, 'kind' | 'signature' | 'check'>;
  readonly signed: SignedClaim;
}

export type FacilitatorClaimReading =
  | FacilitatorClaim
  | Exclude<FacilitatorReading, FacilitatorRequest>
  /** Not a request of this API: HTTP 400. */
  | { readonly kind: 'malformed'; readonly detail: string };

interface Asked {
  readonly dialect: Dialect;
  readonly payload: ExactEvmPayload;
  readonly schemes: readonly [string, string];
  readonly networks: readonly [string, string];
  readonly network: string | undefined;
  readonly asset: string;
  readonly payTo: string;
  readonly amount: string;
  readonly extra: Readonly<Record<string, unknown>>;
}

const bodyV2 = TypeCompiler.Compile(FacilitatorRequestV2);
const bodyV1 = TypeCompiler.Compile(FacilitatorRequestV1);
const versioned = TypeCompiler.Compile(
  Type.Object({ paymentPayload: Type.Object({ x402Version: Type.Number() }) }),
);

/** Dispatches on the payload's version, as the reference does; the outer one is a copy. */
export function readFacilitatorClaim(
  body: unknown,
  context: FacilitatorContext,
): FacilitatorClaimReading {
  if (!versioned.Check(body)) return malformedBy(versioned, body);
  const version: number = body.paymentPayload.x402Version;
  if (version === 2)
    return bodyV2.Check(body) ? judge(askedV2(body), context) : malformedBy(bodyV2, body);
  if (version === 1)
    return bodyV1.Check(body) ? judge(askedV1(body), context) : malformedBy(bodyV1, body);
  return { kind: 'malformed', detail: '/paymentPayload/x402Version is neither 1 nor 2' };
}

function askedV2({
  paymentPayload,
  paymentRequirements,
}: Static<typeof FacilitatorRequestV2>): Asked {
  return {
    dialect: 'x402-v2-exact',
    payload: paymentPayload.payload,
    schemes: [paymentPayload.accepted.scheme, paymentRequirements.scheme],
    networks: [paymentPayload.accepted.network, paymentRequirements.network],
    network: paymentRequirements.network,
    asset: paymentRequirements.asset.toLowerCase(),
    payTo: paymentRequirements.payTo.toLowerCase(),
    amount: paymentRequirements.amount,
    extra: paymentRequirements.extra ?? {},
  };
}

function askedV1({
  paymentPayload,
  paymentRequirements,
}: Static<typeof FacilitatorRequestV1>): Asked {
  return {
    dialect: 'x402-v1-exact',
    payload: paymentPayload.payload,
    schemes: [paymentPayload.scheme, paymentRequirements.scheme],
    networks: [paymentPayload.network, paymentRequirements.network],
    network: networkOfV1Name(paymentRequirements.network),
    asset: paymentRequirements.asset.toLowerCase(),
    payTo: paymentRequirements.payTo.toLowerCase(),
    amount: paymentRequirements.maxAmountRequired,
    extra: paymentRequirements.extra ?? {},
  };
}

/** The order of the reference's own checks, so that a double fault gets the same word. */
function judge(asked: Asked, context: FacilitatorContext): FacilitatorClaimReading {
  const networkName = asked.networks[1];
  const payer = asked.payload.authorization.from.toLowerCase();
  const refused = (refusal: Refusal) => ({ ...refusal, networkName });
  if (asked.schemes.some((scheme) => scheme !== 'exact')) {
    return refused(refuse('proof_scheme_unknown', payer));
  }
  const { name, version } = asked.extra;
  if (typeof name !== 'string' || typeof version !== 'string') {
    return refused(refuse('proof_domain_missing', payer));
  }
  if (asked.networks[0] !== networkName || asked.network === undefined) {
    return refused(refuse('proof_network_unknown', payer));
  }
  const token = context.tokenOf(asked.network, asked.asset);
  if (token === undefined) return refused(refuse('proof_token_unknown', payer));
  if (token.name !== name) return refused(refuse('proof_token_name_mismatch', payer));
  if (token.version !== version) return refused(refuse('proof_token_version_mismatch', payer));
  const { payTo, dialect } = asked;
  const amount = BigInt(asked.amount);
  const signed = checkFields(asked.payload, { token, payTo, amount }, context);
  if (signed.kind === 'refused') return refused(inWordsOf(dialect, signed));
  const { authorization } = signed;
  const request = { dialect, token, networkName, payTo, amount, payer, authorization };
  return { kind: 'claim', request, signed };
}

/** A claim and what its digest and signature recover to → a request, or a verdict. */
export function proveFacilitatorClaim(
  { request, signed }: FacilitatorClaim,
  recovery: Recovery,
): FacilitatorReading {
  const checked = checkSignature(signed, recovery);
  if (checked.kind === 'refused') return { ...checked, networkName: request.networkName };
  const { signature, check } = checked;
  return { kind: 'request', ...request, signature, check };
}

/** Version 1 has its own word for a wrong amount. */
function inWordsOf(dialect: Dialect, refusal: Refusal): Refusal {
  if (dialect === 'x402-v2-exact' || refusal.code !== 'proof_amount_mismatch') return refusal;
  return { ...refusal, x402Reason: 'invalid_exact_evm_authorization_value' };
}

function malformedBy(
  check: { Errors(value: unknown): { First(): { path: string; message: string } | undefined } },
  body: unknown,
): FacilitatorClaimReading {
  const first = check.Errors(body).First();
  return { kind: 'malformed', detail: `${first?.path ?? ''}: ${first?.message ?? 'malformed'}` };
}
