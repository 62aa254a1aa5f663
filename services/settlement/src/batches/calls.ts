import type { Call } from '@paycrawl/chain/multicall3';
import { type Authorization, encodeSettlementCalls } from '@paycrawl/chain/usdc';
import type { Hex } from 'viem';
import type { Charge, DueCharge } from './state.js';

/** The calls that move one charge. */
export function settlementCalls({ due }: Charge, payerHasCode: boolean): readonly Call[] {
  return encodeSettlementCalls(due.asset as Hex, {
    authorization: authorizationOf(due),
    signature: due.signature as Hex,
    payerHasCode,
  });
}

function authorizationOf({ authorization }: DueCharge): Authorization {
  return {
    from: authorization.from as Hex,
    to: authorization.to as Hex,
    value: BigInt(authorization.value),
    validAfter: BigInt(authorization.validAfter),
    validBefore: BigInt(authorization.validBefore),
    nonce: authorization.nonce as Hex,
  };
}
