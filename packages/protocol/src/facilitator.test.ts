import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { bytesFromHex, hexFromBytes } from '@paycrawl/crypto/hex';
import { addressOfPrivateKey, recoverAddress, signDigest } from '@paycrawl/crypto/recover';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Token } from './exact-evm.js';
import {
  type FacilitatorClaimReading,
  type FacilitatorReading,
  proveFacilitatorClaim,
  readFacilitatorClaim,
} from './facilitator.js';

const privateKey = bytesFromHex(`0x${'22'.repeat(32)}`);
const payer = addressOfPrivateKey(privateKey);
const payTo = `0x${'ab'.repeat(20)}`;
const token: Token = {
  network: 'eip155:84532',
  chainId: 84532n,
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
};
const nowS = 1_800_000_000;
const context = {
  nowMs: nowS * 1000,
  marginS: 6,
  tokenOf: (network: string, asset: string) =>
    network === token.network && asset === token.asset ? token : undefined,
};

function payload() {
  const authorization = {
    from: payer as string,
    to: payTo,
    value: '1000',
    validAfter: '0',
    validBefore: String(nowS + 60),
    nonce: `0x${'cd'.repeat(32)}`,
  };
  const separator = domainSeparator({ ...token, verifyingContract: token.asset });
  const digest = transferAuthorizationDigest(separator, {
    ...authorization,
    value: 1000n,
    validAfter: 0n,
    validBefore: BigInt(nowS + 60),
  });
  return { signature: hexFromBytes(signDigest(digest, privateKey)), authorization };
}

const extra = { name: 'USDC', version: '2' };
const common = { scheme: 'exact', asset: token.asset, payTo, maxTimeoutSeconds: 60, extra };

function v2(requirements: Record<string, unknown> = {}, accepted: Record<string, unknown> = {}) {
  const offered = { ...common, network: 'eip155:84532', amount: '1000' };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: { ...offered, ...accepted }, payload: payload() },
    paymentRequirements: { ...offered, ...requirements },
  };
}

function v1(requirements: Record<string, unknown> = {}) {
  const named = { scheme: 'exact', network: 'base-sepolia' };
  return {
    x402Version: 1,
    paymentPayload: { x402Version: 1, ...named, payload: payload() },
    paymentRequirements: { ...common, ...named, maxAmountRequired: '1000', ...requirements },
  };
}

function read(body: unknown, given: typeof context): FacilitatorClaimReading | FacilitatorReading {
  const reading = readFacilitatorClaim(body, given);
  if (reading.kind !== 'claim') return reading;
  const { digest, signature } = reading.signed;
  return proveFacilitatorClaim(reading, recoverAddress(digest, signature));
}

test('behavior: requests of both versions become one form', () => {
  const expected = { kind: 'request', payer, payTo, amount: 1000n, check: { kind: 'recovered' } };
  expect(read(v2(), context)).toMatchObject({
    ...expected,
    dialect: 'x402-v2-exact',
    networkName: 'eip155:84532',
  });
  expect(read(v1(), context)).toMatchObject({
    ...expected,
    dialect: 'x402-v1-exact',
    networkName: 'base-sepolia',
  });
});

test.each([
  ['scheme', v2({ scheme: 'upto' }), 'invalid_exact_evm_scheme'],
  ['domain', v2({ extra: {} }), 'invalid_exact_evm_missing_eip712_domain'],
  ['network', v2({}, { network: 'eip155:1' }), 'invalid_exact_evm_network_mismatch'],
  ['asset', v2({ asset: payTo }), 'asset_not_deployed_contract'],
  ['name', v2({ extra: { ...extra, name: 'X' } }), 'invalid_exact_evm_token_name_mismatch'],
  [
    'version',
    v2({ extra: { ...extra, version: '1' } }),
    'invalid_exact_evm_token_version_mismatch',
  ],
  ['payee', v2({ payTo: payer }), 'invalid_exact_evm_recipient_mismatch'],
  ['amount', v2({ amount: '2' }), 'invalid_exact_evm_payload_authorization_value_mismatch'],
  ['amount of version 1', v1({ maxAmountRequired: '2' }), 'invalid_exact_evm_authorization_value'],
  ['network of version 1', v1({ network: 'base' }), 'invalid_exact_evm_network_mismatch'],
])('error: another %s is answered in the words of the reference', (_, body, x402Reason) => {
  expect(read(body, context)).toMatchObject({ kind: 'refused', x402Reason });
});

test('behavior: what its payer did not sign is for its account to judge, a second spelling is refused', () => {
  const claim = readFacilitatorClaim(v1(), context);
  if (claim.kind !== 'claim') return expect(claim.kind).toBe('claim');
  const stranger = addressOfPrivateKey(bytesFromHex(`0x${'23'.repeat(32)}`));
  expect(proveFacilitatorClaim(claim, { outcome: 'recovered', address: stranger })).toMatchObject({
    kind: 'request',
    check: { kind: 'needs_account' },
  });
  const refused = { outcome: 'refused' } as const;
  expect(proveFacilitatorClaim(claim, { ...refused, reason: 'no_such_point' })).toMatchObject({
    check: { kind: 'needs_account', digest: hexFromBytes(claim.signed.digest) },
  });
  expect(proveFacilitatorClaim(claim, { ...refused, reason: 'high_s' })).toMatchObject({
    ...{ kind: 'refused', x402Reason: 'invalid_exact_evm_signature' },
    networkName: 'base-sepolia',
  });
});

test.each([
  [null],
  ['text'],
  [{}],
  [{ paymentPayload: { x402Version: 3 } }],
  [{ ...v2(), paymentRequirements: {} }],
])('error: malformed %j', (body) => {
  expect(read(body, context).kind).toBe('malformed');
});

test('property: any JSON gets a typed answer', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(1, 2), (value, x402Version) => {
      expect(read(value, context).kind).toBe('malformed');
      const half = { paymentPayload: { x402Version, payload: value }, paymentRequirements: value };
      expect(read(half, context).kind).toBe('malformed');
    }),
  );
});
