import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Devnet, startDevnet } from '@paycrawl/testkit/devnet';
import { benchGas } from './bench/settlement/gas.js';
import { gasTables, isGasGoalMet, throughputTables } from './bench/settlement/settlement-tables.js';
import { benchThroughput } from './bench/settlement/throughput.js';
import { note, wholeNumber } from './command-line.js';
import { type FigureTable, printTables, type TablesFile } from './figure-table.js';
import { thisMachine, writeFigures } from './figures.js';
import { derivePayers } from './payload/payers.js';

// `npm run bench:settlement`: what one authorization costs on chain and why, and how many a second
// the service confirms on a devnet of its own, over the embedded log. Each knob of the service can
// be tried: `--knob SETTLEMENT_BATCHES_IN_FLIGHT_MAX=4`.

/** Undefined where it was not asked for. */
export interface SettlementFile extends TablesFile {
  readonly authorizationsPerS?: number | undefined;
  readonly gasPerAuthorization?: number | undefined;
}

const { values: flags } = parseArgs({
  options: {
    authorizations: { type: 'string', default: '10000' },
    payers: { type: 'string', default: '1000' },
    partitions: { type: 'string', default: '2' },
    /** Seconds between blocks. */
    'block-time': { type: 'string', default: '1' },
    'gas-only': { type: 'boolean', default: false },
    'rate-only': { type: 'boolean', default: false },
    json: { type: 'string' },
    knob: { type: 'string', multiple: true, default: [] },
  },
});
const env = Object.fromEntries(flags.knob.map((knob) => knob.split('=', 2)));
const tables: FigureTable[] = [];
let authorizationsPerS: number | undefined;
let gasPerAuthorization: number | undefined;
const payers = derivePayers({ seed: 'settlement', count: wholeNumber('payers', flags.payers) });

if (!flags['rate-only']) {
  await withDevnet('gas', 0, async (devnet) => {
    const figures = await benchGas(devnet, payers);
    show(gasTables(figures));
    if (!isGasGoalMet(figures)) process.exitCode = 1;
  });
}
if (!flags['gas-only']) {
  const blockTimeS = wholeNumber('block-time', flags['block-time']);
  await withDevnet('throughput', blockTimeS, async (devnet, directory) => {
    const figures = await benchThroughput({
      ...{ devnet, payers, directory: join(directory, 'service'), env },
      authorizations: wholeNumber('authorizations', flags.authorizations),
      partitions: wholeNumber('partitions', flags.partitions),
    });
    authorizationsPerS = (figures.settled * 1_000) / figures.wholeMs;
    gasPerAuthorization = figures.gasPerAuthorization;
    show(throughputTables(figures));
  });
}
if (flags.json !== undefined) {
  const machine = thisMachine(Date.now());
  const file = { machine, tables, authorizationsPerS, gasPerAuthorization };
  writeFigures(flags.json, file satisfies SettlementFile);
}

/** At once: what was measured is seen, whatever becomes of the rest. */
function show(more: readonly FigureTable[]): void {
  tables.push(...more);
  printTables(more);
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
