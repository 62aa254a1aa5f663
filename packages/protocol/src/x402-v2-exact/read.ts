import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { checkFields, ExactEvmPayload, type Token } from '../exact-evm.js';
import { readHeaderJson } from '../header-json.js';
import { payloadHash } from '../payload-hash.js';
import { readPaymentId } from '../payment-identifier.js';
import type { ProofClaim, ReadContext } from '../proof.js';
import { type Quote, readQuote } from '../quote.js';
import { type Refusal, refuse } from '../refusal.js';

const Versioned = TypeCompiler.Compile(Type.Object({ x402Version: Type.Literal(2) }));
const Accepted = Type.Object({
  scheme: Type.String(),
  network: Type.String({ maxLength: 64 }),
  amount: Type.RegExp(/^(0|[1-9][0-9]{0,77})$/),
  asset: Type.String({ maxLength: 128 }),
  payTo: Type.String({ maxLength: 128 }),
  extra: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
type Accepted = Static<typeof Accepted>;
const Outer = TypeCompiler.Compile(
  Type.Object({
    accepted: Accepted,
    payload: Type.Unknown(),
    extensions: Type.Optional(
      Type.Union([Type.Null(), Type.Record(Type.String(), Type.Unknown())]),
    ),
  }),
);
const Payload = TypeCompiler.Compile(ExactEvmPayload);

/** PAYMENT-SIGNATURE → a claim or a typed refusal. */
export function readPaymentSignature(header: string, context: ReadContext): ProofClaim | Refusal {
  const json = readHeaderJson(header);
  if (json.kind === 'refused') return json;
  if (!Versioned.Check(json.value)) {
    return refuse(isObject(json.value) ? 'proof_version_unsupported' : 'proof_shape_invalid');
  }
  const { value } = json;
  if (!Outer.Check(value)) return refuse('proof_shape_invalid');
  const { accepted, payload } = value;
  const terms = readTerms(accepted, context);
  if (terms.kind === 'refused') return terms;
  if (!Payload.Check(payload)) return refuse('proof_shape_invalid');
  const paymentId = readPaymentId(value.extensions ?? {});
  if (paymentId.kind === 'refused') return paymentId;
  const signed = checkFields(payload, terms, context);
  if (signed.kind === 'refused') return signed;
  const { authorization } = signed;
  const proof: ProofClaim['proof'] = {
    dialect: 'x402-v2-exact',
    network: terms.token.network,
    asset: terms.token.asset,
    payTo: terms.payTo,
    amount: terms.amount,
    payer: authorization.from,
    authorization,
    quote: terms.quote,
  };
  if (paymentId.id === undefined) return { kind: 'claim', proof, signed };
  // A hash is only needed to tell apart what one payment identifier was used for.
  const hash = payloadHash(context.method, context.url, proof.asset, authorization);
  const named = { ...proof, paymentId: paymentId.id, payloadHash: hash };
  return { kind: 'claim', proof: named, signed };
}

interface QuotedTermsRead {
  readonly kind: 'terms';
  readonly token: Token;
  readonly payTo: string;
  readonly amount: bigint;
  readonly quote: Quote;
}

/**
 * What `accepted` names is what was offered if the MAC says so: the quote binds method, URL,
 * network, asset, payee and amount, and an offer of yesterday's price still counts.
 */
function readTerms(accepted: Accepted, context: ReadContext): QuotedTermsRead | Refusal {
  if (accepted.scheme !== 'exact') return refuse('proof_scheme_unknown');
  const asset = accepted.asset.toLowerCase();
  const token = context.tokenOf(accepted.network, asset);
  if (token === undefined) {
    const known = accepted.network === context.current.network;
    return refuse(known ? 'proof_quote_altered' : 'proof_network_unknown');
  }
  const { challenge, name, version } = accepted.extra ?? {};
  if (typeof challenge !== 'string') return refuse('proof_quote_missing');
  if (name !== token.name || version !== token.version) return refuse('proof_quote_altered');
  const payTo = accepted.payTo.toLowerCase();
  const { method, url } = context;
  const { network } = token;
  const { amount } = accepted;
  const reading = readQuote(context, { method, url, network, asset, payTo, amount }, challenge);
  if (reading.kind === 'altered') return refuse('proof_quote_altered');
  if (reading.kind === 'expired') return refuse('proof_quote_expired');
  return { kind: 'terms', token, payTo, amount: BigInt(amount), quote: reading.quote };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
