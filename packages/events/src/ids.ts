import { hash } from 'node:crypto';

/** CAIP-10 account id in lower case; the key of every payer topic. */
export function payerId(network: string, address: string): string {
  return `${network}:${address.toLowerCase()}`;
}

export function addressOfPayer(payer: string): `0x${string}` {
  return payer.slice(payer.lastIndexOf(':') + 1) as `0x${string}`;
}

/**
 * The id of a proof, of its crawl and of its charge: one authorization is one charge, wherever it
 * was presented (EIP-3009: a nonce is unique per asset and payer).
 */
export function chargeId(network: string, asset: string, from: string, nonce: string): string {
  const identity = `${network}/${asset}/${from}/${nonce}`.toLowerCase();
  return `c${hash('sha256', identity, 'hex').slice(0, 40)}`;
}
