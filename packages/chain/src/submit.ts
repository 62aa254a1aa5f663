import type { Hex } from 'viem';
import type { SubmitAnswer } from './chain.js';
import type { Rpc } from './rpc.js';

/** Nodes tell refusals in words only; these are those of geth, reth, op-geth and Anvil. */
const known = /already known|already imported|known transaction/i;
const nonceTooLow = /nonce too low|nonce is too low/i;
const underpriced =
  /underpriced|max fee per gas less than block base fee|fee cap less than|too low to replace/i;
const insufficientFunds = /insufficient (funds|balance)/i;

export async function submitTransaction(rpc: Rpc, rawTransaction: Hex): Promise<SubmitAnswer> {
  const answer = await rpc.tell('eth_sendRawTransaction', [rawTransaction]);
  if (answer.outcome === 'result') return { outcome: 'sent' };
  if (known.test(answer.message)) return { outcome: 'known' };
  return { outcome: 'refused', reason: reasonOf(answer.message), detail: answer.message };
}

type RefusalReason = Extract<SubmitAnswer, { outcome: 'refused' }>['reason'];

function reasonOf(message: string): RefusalReason {
  if (nonceTooLow.test(message)) return 'nonce_too_low';
  if (underpriced.test(message)) return 'underpriced';
  return insufficientFunds.test(message) ? 'insufficient_gas_funds' : 'other';
}
