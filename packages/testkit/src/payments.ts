import { randomBytes } from 'node:crypto';
import type { Authorization } from '@paycrawl/chain/usdc';
import { type Address, type Hex, hashTypedData } from 'viem';
import { privateKeyToAccount, sign } from 'viem/accounts';
import type { Wallet } from './devnet-actions.js';
import { usdcAddress, usdcName, usdcVersion } from './devnet-contracts.js';

/** EIP-3009 authorizations as x402 clients sign them, for the devnet's USDC. */
export interface AuthorizationRequest {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  readonly nonce?: Hex;
}

export function makeAuthorization(request: AuthorizationRequest): Authorization {
  return {
    validAfter: 0n,
    // Far away: a test that is about time gives its own.
    validBefore: 4_000_000_000n,
    nonce: `0x${randomBytes(32).toString('hex')}`,
    ...request,
  };
}

export function authorizationHash(authorization: Authorization, chainId = 84532): Hex {
  return hashTypedData({
    domain: domainOf(chainId),
    types: transferTypes,
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  });
}

export async function signHash(hash: Hex, signer: Wallet): Promise<Hex> {
  return sign({ hash, privateKey: signer.privateKey, to: 'hex' });
}

export async function signAuthorization(
  authorization: Authorization,
  signer: Wallet,
): Promise<Hex> {
  return signHash(authorizationHash(authorization), signer);
}

/** What ends an authorization without a transfer (EIP-3009 `CancelAuthorization`). */
export async function signCancellation(wallet: Wallet, nonce: Hex, chainId = 84532): Promise<Hex> {
  return privateKeyToAccount(wallet.privateKey).signTypedData({
    domain: domainOf(chainId),
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: wallet.address, nonce },
  });
}

const transferTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

function domainOf(chainId: number) {
  return { name: usdcName, version: usdcVersion, chainId, verifyingContract: usdcAddress } as const;
}
