import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { checkFields, ExactEvmPayload } from '../exact-evm.js';
import { readHeaderJson } from '../header-json.js';
import { networkOfV1Name } from '../networks.js';
import type { ProofClaim, ReadContext } from '../proof.js';
import { type Refusal, refuse } from '../refusal.js';

const Versioned = TypeCompiler.Compile(Type.Object({ x402Version: Type.Literal(1) }));
const Outer = TypeCompiler.Compile(
  Type.Object({
    scheme: Type.String(),
    network: Type.String({ maxLength: 64 }),
    payload: Type.Unknown(),
  }),
);
const Payload = TypeCompiler.Compile(ExactEvmPayload);

/**
 * X-PAYMENT → a claim or a typed refusal. Version 1 echoes nothing of the offer, so the proof is
 * compared with what this request costs now: it buys one page of that price and payee, once.
 */
export function readXPayment(header: string, context: ReadContext): ProofClaim | Refusal {
  const json = readHeaderJson(header);
  if (json.kind === 'refused') return json;
  const { value } = json;
  if (!Versioned.Check(value)) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return refuse(isObject ? 'proof_version_unsupported' : 'proof_shape_invalid');
  }
  if (!Outer.Check(value)) return refuse('proof_shape_invalid');
  if (value.scheme !== 'exact') return refuse('proof_scheme_unknown');
  const { current } = context;
  const network = networkOfV1Name(value.network);
  if (network !== current.network) return refuse('proof_network_unknown');
  const token = context.tokenOf(network, current.asset);
  if (token === undefined) return refuse('proof_network_unknown');
  if (!Payload.Check(value.payload)) return refuse('proof_shape_invalid');
  const { payTo, amount } = current;
  const signed = checkFields(value.payload, { token, payTo, amount }, context);
  if (signed.kind === 'refused') return signed;
  const { authorization } = signed;
  const { asset } = token;
  const payer = authorization.from;
  const dialect = 'x402-v1-exact';
  return {
    kind: 'claim',
    proof: { dialect, network, asset, payTo, amount, payer, authorization },
    signed,
  };
}
