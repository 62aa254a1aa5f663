import { encodeAggregate3 } from '@paycrawl/chain/multicall3';
import { encodeSettlementCalls, type SignedAuthorization } from '@paycrawl/chain/usdc';
import { bytesFromHex, type Hex } from '@paycrawl/crypto/hex';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Devnet } from '@paycrawl/testkit/devnet';
import { placeUsdcBehindProxy } from '@paycrawl/testkit/devnet-contracts';
import { eventually, toQuantity } from '@paycrawl/testkit/devnet-rpc';
import type { Payer } from '../../payload/sign-proofs.js';
import { transferSigner } from './signed-transfers.js';

export interface GasFigure {
  readonly what: string;
  readonly transfers: number;
  readonly gas: number;
  readonly gasPerTransfer: number;
}

export interface GasPiece {
  readonly what: string;
  readonly source: string;
  readonly gas: number;
}

export interface GasFigures {
  readonly batches: readonly GasFigure[];
  /** What one transfer of a batch of 100 costs, by the schedule; the last is what remains. */
  readonly pieces: readonly GasPiece[];
  /** Of which any contract that moves EIP-3009 money cannot spare anything. */
  readonly floor: number;
}

const sizes = [10, 50, 100, 200];
const typical = 100;
/** More than 200 transfers need; the devnet's blocks hold it. */
const gasLimit = 30_000_000;
const transferLogs = 2;

/**
 * Gas is deterministic: the same batch costs the same on any machine. Payers are distinct, have
 * paid before and go on having funds, as crawlers do.
 */
export async function benchGas(devnet: Devnet, payers: readonly Payer[]): Promise<GasFigures> {
  const sender = await gasSender(devnet);
  const sign = transferSigner(devnet.chainId);
  const payTo = newAddress(devnet);
  const distinct = (count: number): SignedAuthorization[] =>
    payers.slice(0, count).map((payer) => sign(payer, payTo));
  // The payee's balance is no longer zero, as that of every publisher but for the first time.
  await sender.send('first', distinct(1));
  const batches: GasFigure[] = [];
  for (const size of sizes) {
    batches.push(await sender.send('distinct payers, one payee', distinct(size)));
  }
  const ten = payers.slice(0, 10);
  const repeated = Array.from({ length: typical }, (_, index) => ten[index % ten.length] as Payer);
  const fromTen = repeated.map((payer) => sign(payer, payTo));
  batches.push(await sender.send('ten payers, one payee', fromTen));
  const toNew = payers.slice(0, typical).map((payer) => sign(payer, newAddress(devnet)));
  batches.push(await sender.send('distinct payers, each payee paid for the first time', toNew));
  const byBytes = distinct(typical).map((signed) => ({ ...signed, payerHasCode: true }));
  batches.push(await sender.send('distinct payers, signature as bytes', byBytes));
  const { pieces, floor } = piecesOf(distinct(typical), devnet.usdc, batches);
  await placeUsdcBehindProxy(devnet.rpc);
  const behind = await sender.send("distinct payers, behind Circle's proxy", distinct(typical));
  return { batches: [...batches, behind], pieces, floor };
}

async function gasSender(devnet: Devnet) {
  const [from] = await devnet.rpc<Hex[]>('eth_accounts');
  const send = async (what: string, signed: readonly SignedAuthorization[]): Promise<GasFigure> => {
    const data = calldataOf(signed, devnet.usdc);
    const transaction = { from, to: devnet.multicall3, data, gas: toQuantity(gasLimit) };
    const hash = await devnet.rpc<Hex>('eth_sendTransaction', [transaction]);
    await devnet.mine(1);
    const receipt = await eventually('a batch', async () => {
      const params = [hash];
      const found = await devnet.rpc<Receipt | null>('eth_getTransactionReceipt', params);
      return found ?? undefined;
    });
    // Each call may fail alone, and gas of failures would look like a gain.
    if (receipt.logs.length !== signed.length * transferLogs) {
      throw fail('bench_failed', `${what}: not every transfer succeeded`);
    }
    const gas = Number.parseInt(receipt.gasUsed, 16);
    return { what, transfers: signed.length, gas, gasPerTransfer: gas / signed.length };
  };
  return { send };
}

interface Receipt {
  readonly gasUsed: Hex;
  readonly logs: readonly unknown[];
}

function calldataOf(signed: readonly SignedAuthorization[], asset: Hex): Hex {
  return encodeAggregate3(signed.flatMap((one) => encodeSettlementCalls(asset, one)));
}

/**
 * The schedule's price of what a transfer does, seen in a trace of it; what is left is the
 * contracts' own arithmetic: USDC's checks and hashes, and Multicall3's loop.
 */
function piecesOf(
  signed: readonly SignedAuthorization[],
  asset: Hex,
  batches: readonly GasFigure[],
): { pieces: readonly GasPiece[]; floor: number } {
  const calldata = calldataGas(calldataOf(signed, asset)) / signed.length;
  const must: GasPiece[] = [
    piece('nonce from zero to used: cold read and write', 'EIP-2929, EIP-2200', 2_100 + 20_000),
    piece("payer's balance: cold read and write", 'EIP-2929, EIP-2200', 2_100 + 2_900),
    piece("payee's balance, written before in this batch", 'EIP-2929', 100 + 100),
    piece('recovering the signer (ecrecover)', 'yellow paper, appendix E', 3_000 + 100),
    piece('AuthorizationUsed and Transfer', 'yellow paper, appendix G', 1_500 + 1_756),
  ];
  const chosen = [
    piece('calldata: aggregate3 and v, r, s as words', 'EIP-2028', calldata),
    piece('has the payer code? (cold account)', 'EIP-2929', 2_600),
    piece('share of the transaction itself', 'yellow paper, appendix G', 21_000 / signed.length),
  ];
  const known = [...must, ...chosen].reduce((sum, { gas }) => sum + gas, 0);
  const whole = batches.find(({ transfers }) => transfers === typical)?.gasPerTransfer ?? 0;
  const rest = piece('USDC and Multicall3: checks, hashes, copies', 'what remains', whole - known);
  const packed = packedBytes * nonZeroByteGas;
  const floor = must.reduce((sum, { gas }) => sum + gas, packed + 2_600 + 210);
  return { pieces: [...must, ...chosen, rest], floor };
}

/** Payer, value, time, nonce and signature without padding: a contract of our own might take it. */
const packedBytes = 20 + 8 + 5 + 32 + 65;
const zeroByteGas = 4;
const nonZeroByteGas = 16;

/** EIP-2028; the floor of EIP-7623 is far below what execution costs here. */
function calldataGas(data: Hex): number {
  return bytesFromHex(data).reduce(
    (sum, byte) => sum + (byte === 0 ? zeroByteGas : nonZeroByteGas),
    0,
  );
}

function piece(what: string, source: string, gas: number): GasPiece {
  return { what, source, gas };
}

function newAddress(devnet: Devnet): Hex {
  return devnet.newWallet().address.toLowerCase() as Hex;
}
