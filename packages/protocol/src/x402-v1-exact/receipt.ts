import { v1NameOf } from '../networks.js';
import * as V2Receipt from '../x402-v2-exact/receipt.js';

/** The value of X-PAYMENT-RESPONSE: version 2's document with version 1's network name. */
export function writeReceipt(receipt: V2Receipt.Receipt): string {
  return V2Receipt.writeReceipt({ ...receipt, network: nameOf(receipt.network) });
}

export function writeFailedReceipt(receipt: V2Receipt.FailedReceipt): string {
  return V2Receipt.writeFailedReceipt({ ...receipt, network: nameOf(receipt.network) });
}

function nameOf(network: string): string {
  return v1NameOf(network) ?? network;
}
