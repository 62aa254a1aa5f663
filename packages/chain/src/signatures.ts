import {
  type Address,
  encodeDeployData,
  encodeFunctionData,
  erc6492SignatureValidatorByteCode,
  type Hex,
  isErc6492Signature,
  parseAbi,
  parseErc6492Signature,
  recoverAddress,
} from 'viem';
import { readHasCode } from './account-codes.js';
import { readBlock, readHead } from './blocks.js';
import type { BlockHeader, SignatureAnswer, SignatureRequest } from './chain.js';
import { unreadable } from './read-answer.js';
import type { Rpc } from './rpc.js';
import { splitSignature } from './usdc.js';

const eip1271Abi = parseAbi([
  'function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)',
]);
const validatorAbi = parseAbi(['constructor(address signer, bytes32 hash, bytes signature)']);
/** `isValidSignature.selector`, left-aligned in a word (EIP-1271). */
const eip1271Magic = '0x1626ba7e';
/** Half of the group order of secp256k1: USDC refuses a larger s (malleable form). */
const lowSMax = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

/**
 * Decides as FiatTokenV2_2 does: an account with code (a contract, or an EIP-7702 delegation) is
 * asked; one without code is recovered. A counterfactual account (ERC-6492) is deployed in the
 * simulation and asked then, because settlement deploys it before the transfer.
 */
export async function checkSignature(
  rpc: Rpc,
  request: SignatureRequest,
  gasMax: bigint,
): Promise<SignatureAnswer> {
  const block = await blockOf(rpc, request);
  const [hasCode = false] = await readHasCode(rpc, [request.payer], block.number);
  const valid = await isValid(rpc, request, { hasCode, blockNumber: block.number, gasMax });
  return { valid, hasCode, blockNumber: block.number };
}

interface CheckContext {
  readonly hasCode: boolean;
  readonly blockNumber: number;
  readonly gasMax: bigint;
}

async function isValid(
  rpc: Rpc,
  request: SignatureRequest,
  context: CheckContext,
): Promise<boolean> {
  const { payer, hash, signature } = request;
  const isWrapped = isErc6492Signature(signature);
  if (context.hasCode) {
    const inner = isWrapped ? parseErc6492Signature(signature).signature : signature;
    return askAccount(rpc, { ...request, signature: inner }, context);
  }
  if (isWrapped) return askCounterfactual(rpc, request, context);
  return recoversTo(payer, hash, signature);
}

async function askAccount(
  rpc: Rpc,
  { payer, hash, signature }: SignatureRequest,
  { blockNumber, gasMax }: CheckContext,
): Promise<boolean> {
  const data = encodeFunctionData({
    abi: eip1271Abi,
    functionName: 'isValidSignature',
    args: [hash, signature],
  });
  const answer = await rpc.call({ to: payer, data, gas: gasMax, block: blockNumber });
  return answer.outcome === 'returned' && isMagic(answer.data);
}

/** USDC takes at least one word that begins with the magic value and decodes as bytes4. */
function isMagic(data: Hex): boolean {
  return data.length >= 66 && data.startsWith(eip1271Magic) && /^0{56}$/.test(data.slice(10, 66));
}

async function askCounterfactual(
  rpc: Rpc,
  { payer, hash, signature }: SignatureRequest,
  { blockNumber, gasMax }: CheckContext,
): Promise<boolean> {
  const data = encodeDeployData({
    abi: validatorAbi,
    bytecode: erc6492SignatureValidatorByteCode,
    args: [payer, hash, signature],
  });
  const answer = await rpc.call({ data, gas: gasMax, block: blockNumber });
  return answer.outcome === 'returned' && answer.data === '0x01';
}

export async function recoversTo(payer: Address, hash: Hex, signature: Hex): Promise<boolean> {
  const parts = splitSignature(signature);
  if (parts === undefined || BigInt(parts.s) > lowSMax) return false;
  try {
    const { r, s, v } = parts;
    const recovered = await recoverAddress({ hash, signature: { r, s, v: BigInt(v) } });
    return recovered.toLowerCase() === payer.toLowerCase();
  } catch {
    // Not a point of the curve: a wrong signature, not a failure.
    return false;
  }
}

async function blockOf(rpc: Rpc, { block }: SignatureRequest): Promise<BlockHeader> {
  if (typeof block !== 'number') return readHead(rpc);
  const found = await readBlock(rpc, block);
  if (found === undefined) throw unreadable(block);
  return found;
}
