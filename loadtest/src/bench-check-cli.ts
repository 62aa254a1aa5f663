import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import {
  type BandFile,
  bandOf,
  type Measured,
  outOfBand,
  strayBands,
} from './bench/check/bands.js';
import { bandsPath } from './bench/check/bands-path.js';
import { measureMacro } from './bench/check/macro-ratios.js';
import { measureMicro, microRatios } from './bench/check/micro-ratios.js';
import { toProfile } from './bench/check/profiles.js';
import { note } from './command-line.js';
import { readFigures, thisMachine, writeFigures } from './figures.js';

// Ratios to limits that are measured in the same run, never times: fails when one of them leaves
// the band that unchanged code was measured to have.
//   --measure-noise <runs>   measures that often and writes the bands
//   --micro                  without a whole platform
//   --plant <ratio>          does its work twice, to see that it is caught (those of --micro)

const { values: flags } = parseArgs({
  options: {
    'measure-noise': { type: 'string' },
    micro: { type: 'boolean', default: false },
    plant: { type: 'string' },
  },
});
const startedMs = performance.now();
if (flags['measure-noise'] === undefined) await check();
else await measureNoise(Number.parseInt(flags['measure-noise'], 10));
note(`${Math.round((performance.now() - startedMs) / 1000)} s`);

async function measureAll(): Promise<Measured[]> {
  const planted = flags.plant === undefined ? undefined : { name: flags.plant, times: 2 };
  const micro = await measureMicro(microRatios(Date.now()), { planted });
  return flags.micro ? micro : [...micro, ...(await measureMacro())];
}

async function check(): Promise<void> {
  const { bands } = readFigures<BandFile>(bandsPath);
  const measured = await measureAll();
  const table = tableOf(['ratio', 'measured', 'band from', 'usually']);
  for (const { name, ratio } of measured) {
    table.push([name, ratio.toFixed(4), bands[name]?.low ?? '–', bands[name]?.median ?? '–']);
  }
  process.stdout.write(`${table.toString()}\n`);
  const findings = outOfBand(measured, bands, toProfile);
  const strays = flags.micro ? [] : strayBands(measured, bands);
  findings.push(...strays.map((name) => `${name}: has a band, and nothing measures it`));
  for (const finding of findings) process.stderr.write(`${finding}\n`);
  if (findings.length > 0) process.exitCode = 1;
}

async function measureNoise(runs: number): Promise<void> {
  const ratios = new Map<string, number[]>();
  for (let run = 1; run <= runs; run++) {
    note(`run ${run} of ${runs}`);
    for (const { name, ratio } of await measureAll()) {
      ratios.set(name, [...(ratios.get(name) ?? []), ratio]);
    }
  }
  const bands = Object.fromEntries([...ratios].map(([name, all]) => [name, bandOf(all)]));
  const table = tableOf(['ratio', 'min', 'median', 'max', 'band from']);
  for (const [name, { min, median, max, low }] of Object.entries(bands)) {
    table.push([name, min, median, max, low]);
  }
  process.stdout.write(`${table.toString()}\n`);
  const known = flags.micro ? readFigures<BandFile>(bandsPath).bands : {};
  writeFigures(bandsPath, { machine: thisMachine(Date.now()), bands: { ...known, ...bands } });
}

function tableOf(head: string[]) {
  return new Table({ head, style: { head: [] } });
}
