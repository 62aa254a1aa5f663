import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import Table from 'cli-table3';
import { benchGas, type GasFigures } from './bench/settlement/gas.js';
import { benchThroughput, type ThroughputFigures } from './bench/settlement/throughput.js';
import { note } from './command-line.js';
import { derivePayers } from './payload/payers.js';

// `npm run bench:settlement`: what one authorization costs on chain and why, and how many a second
// the service confirms on a devnet of its own, over the embedded log. Each knob of the service can
// be tried: `--knob SETTLEMENT_BATCHES_IN_FLIGHT_MAX=4`.

const { values: flags } = parseArgs({
  options: {
    authorizations: { type: 'string', default: '10000' },
    payers: { type: 'string', default: '1000' },
    partitions: { type: 'string', default: '2' },
    /** Seconds between blocks. */
    'block-time': { type: 'string', default: '1' },
    'gas-only': { type: 'boolean', default: false },
    'rate-only': { type: 'boolean', default: false },
    knob: { type: 'string', multiple: true, default: [] },
  },
});
const gasGoal = 55_000;
const rateGoal = 500;
const env = Object.fromEntries(flags.knob.map((knob) => knob.split('=', 2)));
const payers = derivePayers({ seed: 'settlement', count: count(flags.payers) });

if (!flags['rate-only']) {
  await withDevnet('gas', 0, async (devnet) => {
    printGas(await benchGas(devnet, payers));
  });
}
if (!flags['gas-only']) {
  await withDevnet('throughput', count(flags['block-time']), async (devnet, directory) => {
    const figures = await benchThroughput({
      ...{ devnet, payers, directory: join(directory, 'service'), env },
      authorizations: count(flags.authorizations),
      partitions: count(flags.partitions),
    });
    printThroughput(figures);
  });
}

async function withDevnet(
  what: string,
  blockTimeS: number,
  work: (devnet: Devnet, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'paycrawl-bench-settlement-'));
  try {
    const devnet = await startDevnet({ directory: join(directory, 'devnet'), blockTimeS });
    try {
      note(`${what}: ${payers.length} payers get USDC`);
      // Minting waits for blocks, and a devnet without block time makes none by itself.
      const mining = blockTimeS > 0 ? undefined : setInterval(() => void devnet.mine(1), 50);
      await devnet.mintUsdcToMany(
        payers.map(({ address }) => address as `0x${string}`),
        10_000_000n,
      );
      clearInterval(mining);
      note(what);
      await work(devnet, directory);
    } finally {
      await devnet.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function printGas({ batches, pieces, floor }: GasFigures): void {
  print(
    ['one Multicall3.aggregate3 of', 'transfers', 'gas', 'gas per transfer'],
    batches.map((one) => [one.what, one.transfers, whole(one.gas), whole(one.gasPerTransfer)]),
  );
  print(
    ['one transfer of a batch of 100', 'gas', 'by'],
    pieces.map(({ what, gas, source }) => [what, whole(gas), source]),
  );
  const typical = batches.find(({ transfers }) => transfers === 100)?.gasPerTransfer ?? 0;
  const behindProxy = batches.at(-1)?.gasPerTransfer ?? 0;
  say(`goal ${whole(gasGoal)}: ${whole(typical)}, and ${whole(behindProxy)} behind the proxy`);
  say(`no contract that calls USDC's EIP-3009 needs less than ${whole(floor)}, its code free`);
  if (behindProxy > gasGoal) process.exitCode = 1;
}

function printThroughput(figures: ThroughputFigures): void {
  const { lanes, stages, chain, config, settled, wholeMs, steadyPerS, cpuUs, bare } = figures;
  print(
    ['a batch', 'p50 ms', 'p99 ms'],
    stages.map(({ what, p50Ms, p99Ms }) => [what, whole(p50Ms), whole(p99Ms)]),
  );
  print(
    ['asked of the node', 'calls', 'ms each'],
    chain.map(({ operation, calls, meanMs }) => [operation, calls, meanMs.toFixed(1)]),
  );
  print(
    ['lane', 'batches', 'attempts', 'charges waited', 'first sent', 'then idle', 'full', 'unmined'],
    lanes.map(({ batches, waitingMs, firstMs, idleMs, fullMs, unminedMax }, lane) => {
      const attempts = batches.reduce((sum, batch) => sum + batch.attempts, 0);
      const idle = `${whole(idleMs)} ms (${percent(idleMs, waitingMs)})`;
      const full = percent(fullMs, waitingMs);
      const times = [`${whole(waitingMs)} ms`, `after ${whole(firstMs)} ms`, idle, full];
      return [lane, batches.length, attempts, ...times, `≤ ${unminedMax}`];
    }),
  );
  const { batchChargesMax, batchesInFlightMax, finalityDepth } = config;
  say(`${batchesInFlightMax} batches of ${batchChargesMax} in flight, depth ${finalityDepth}`);
  say(`${whole(settled)} confirmed in ${(wholeMs / 1_000).toFixed(1)} s, the payee has it all`);
  say(`first charge to last confirmation: ${perS((settled * 1_000) / wholeMs)}`);
  say(`from the first confirmation on: ${perS(steadyPerS)} (goal ${rateGoal})`);
  say(`gas of each, by the receipts: ${whole(figures.gasPerAuthorization)}`);
  const each = (us: number): string => `${whole(us / settled)} µs`;
  say(`processor for each: ${each(cpuUs.service)} service and bench, ${each(cpuUs.node)} node`);
  const ratio = (steadyPerS / bare.perS).toFixed(2);
  say(`the node alone, the same transactions sent straight: ${perS(bare.perS)}, ratio ${ratio}`);
  say(
    `all of them in blocks after ${(bare.wholeMs / 1_000).toFixed(1)} s, ${each(bare.nodeCpuUs)}`,
  );
}

function print(head: string[], rows: (string | number)[][]): void {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  say(table.toString());
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function percent(part: number, all: number): string {
  return `${((100 * part) / Math.max(1, all)).toFixed(1)} %`;
}

function perS(rate: number): string {
  return `${whole(rate)} authorizations/s`;
}

function count(text: string): number {
  return Number.parseInt(text, 10);
}
