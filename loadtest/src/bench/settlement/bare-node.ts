import { readTransaction, signTransaction } from '@paycrawl/chain/transaction';
import type { Hex } from '@paycrawl/crypto/hex';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Devnet } from '@paycrawl/testkit/devnet';
import { eventually, toQuantity } from '@paycrawl/testkit/devnet-rpc';

/** What one lane sent, in the order of its nonces. */
export interface SentLane {
  readonly signer: { readonly address: Hex; readonly privateKey: Hex };
  readonly transactions: readonly { readonly raw: Hex; readonly charges: number }[];
}

export interface BareNodeFigures {
  /** From the first block that held some of them to the last, as confirmations are counted. */
  readonly perS: number;
  /** From the first bytes sent to the last block. */
  readonly wholeMs: number;
  readonly nodeCpuUs: number;
}

/** Blocks of these are full, and full blocks raise the base fee by an eighth each. */
const feeWei = 100_000_000_000n;
const minedWithinMs = 240_000;

/**
 * The limit of what the service can reach: the same transactions, handed to the node as fast as
 * it takes them by somebody who asks nothing. The caller has put the chain back before.
 */
export async function benchBareNode(
  devnet: Devnet,
  lanes: readonly SentLane[],
  cpuUs: () => number,
): Promise<BareNodeFigures> {
  const signed = await Promise.all(lanes.map(signAgain));
  const cpuBeforeUs = cpuUs();
  const beganMs = performance.now();
  const mined: { atMs: number; charges: number }[] = [];
  const watching = lanes.map((lane) => watchLane(devnet, lane, mined));
  await Promise.all(signed.map((raws) => sendInTurn(devnet, raws)));
  await Promise.all(watching);
  const times = mined.map(({ atMs }) => atMs);
  const [firstMs, lastMs] = [Math.min(...times), Math.max(...times)];
  const after = mined
    .filter(({ atMs }) => atMs > firstMs)
    .reduce((sum, { charges }) => sum + charges, 0);
  return {
    perS: (after * 1_000) / Math.max(1, lastMs - firstMs),
    wholeMs: lastMs - beganMs,
    nodeCpuUs: cpuUs() - cpuBeforeUs,
  };
}

/** The same nonces and calls, with fees that outlast any number of full blocks. */
function signAgain({ signer, transactions }: SentLane): Promise<readonly Hex[]> {
  return Promise.all(
    transactions.map(async ({ raw }) => {
      const draft = readTransaction(raw);
      if (draft === undefined) throw fail('bench_failed', 'an attempt cannot be read');
      const signed = await signTransaction(
        { ...draft, maxFeePerGasWei: feeWei },
        signer.privateKey,
      );
      return signed.raw;
    }),
  );
}

async function sendInTurn(devnet: Devnet, raws: readonly Hex[]): Promise<void> {
  for (const raw of raws) await devnet.rpc('eth_sendRawTransaction', [raw]);
}

async function watchLane(
  devnet: Devnet,
  { signer, transactions }: SentLane,
  mined: { atMs: number; charges: number }[],
): Promise<void> {
  const count = async (): Promise<number> =>
    Number.parseInt(
      await devnet.rpc<Hex>('eth_getTransactionCount', [signer.address, 'latest']),
      16,
    );
  const first = await count();
  let seen = 0;
  await eventually(
    'the bare node to mine everything',
    async () => {
      const now = (await count()) - first;
      const atMs = performance.now();
      for (const { charges } of transactions.slice(seen, now)) mined.push({ atMs, charges });
      seen = Math.max(seen, now);
      return seen >= transactions.length ? true : undefined;
    },
    minedWithinMs,
  );
}

/** Puts the chain back to where it was before what `work` did. */
export async function rewound(devnet: Devnet): Promise<() => Promise<void>> {
  const snapshot = await devnet.rpc<Hex>('evm_snapshot');
  return async () => {
    const isBack = await devnet.rpc<boolean>('evm_revert', [snapshot]);
    if (!isBack) throw fail('bench_failed', 'the devnet did not go back');
    // What waited when it went back does not wait any more.
    await devnet.rpc('anvil_dropAllTransactions');
    await devnet.rpc('anvil_setNextBlockBaseFeePerGas', [toQuantity(1_000_000_000)]);
  };
}
