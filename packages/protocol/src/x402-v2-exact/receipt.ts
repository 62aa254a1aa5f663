import { checksumAddressOf } from '@paycrawl/crypto/address';
import { headerOfJson } from '../header-json.js';

export interface Receipt {
  readonly payer: string;
  readonly network: string;
  /** The charge: settled later, in a batch, so there is no transaction to name yet. */
  readonly commitmentId: string;
}

export interface FailedReceipt {
  readonly errorReason: string;
  readonly network: string;
  readonly payer?: string;
}

/** The value of PAYMENT-RESPONSE on paid content. */
export function writeReceipt(receipt: Receipt): string {
  return headerOfJson(
    `{"success":true,"payer":"${checksumAddressOf(receipt.payer)}","transaction":"",` +
      `"network":${JSON.stringify(receipt.network)},` +
      `"extra":{"commitmentId":${JSON.stringify(receipt.commitmentId)}}}`,
  );
}

/** The value of PAYMENT-RESPONSE when the payment was not taken. */
export function writeFailedReceipt(receipt: FailedReceipt): string {
  const { errorReason, network, payer } = receipt;
  const who = payer === undefined ? {} : { payer: checksumAddressOf(payer) };
  return headerOfJson(
    JSON.stringify({ success: false, errorReason, ...who, transaction: '', network }),
  );
}
