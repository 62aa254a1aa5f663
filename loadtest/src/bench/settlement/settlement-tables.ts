import { countText, type FigureTable } from '../../figure-table.js';
import type { GasFigures } from './gas.js';
import type { ThroughputFigures } from './throughput.js';

const gasGoal = 55_000;
const rateGoal = 500;

export function isGasGoalMet({ batches }: GasFigures): boolean {
  return behindProxyOf(batches) <= gasGoal;
}

export function gasTables({ batches, pieces, floor }: GasFigures): FigureTable[] {
  const typical = batches.find(({ transfers }) => transfers === 100)?.gasPerTransfer ?? 0;
  return [
    {
      head: ['one Multicall3.aggregate3 of', 'transfers', 'gas', 'gas per transfer'],
      rows: batches.map((one) => [
        one.what,
        String(one.transfers),
        countText(one.gas),
        countText(one.gasPerTransfer),
      ]),
      notes: [],
    },
    {
      head: ['one transfer of a batch of 100', 'gas', 'by'],
      rows: pieces.map(({ what, gas, source }) => [what, countText(gas), source]),
      notes: [
        `Goal ${countText(gasGoal)}: ${countText(typical)}, and ${countText(behindProxyOf(batches))} behind the proxy.`,
        `No contract that calls USDC's EIP-3009 needs less than ${countText(floor)}, its code free.`,
      ],
    },
  ];
}

function behindProxyOf(batches: GasFigures['batches']): number {
  return batches.at(-1)?.gasPerTransfer ?? 0;
}

export function throughputTables(figures: ThroughputFigures): FigureTable[] {
  const { lanes, stages, chain } = figures;
  return [
    {
      head: ['a batch', 'p50 ms', 'p99 ms'],
      rows: stages.map(({ what, p50Ms, p99Ms }) => [what, countText(p50Ms), countText(p99Ms)]),
      notes: [],
    },
    {
      head: ['asked of the node', 'calls', 'ms each'],
      rows: chain.map(({ operation, calls, meanMs }) => [
        operation,
        String(calls),
        meanMs.toFixed(1),
      ]),
      notes: [],
    },
    {
      head: [
        ...['lane', 'batches', 'attempts', 'charges waited', 'first sent'],
        ...['then idle', 'full', 'unmined'],
      ],
      rows: lanes.map(rowOfLane),
      notes: notesOf(figures),
    },
  ];
}

function rowOfLane(figures: ThroughputFigures['lanes'][number], lane: number): string[] {
  const { batches, waitingMs, firstMs, idleMs, fullMs, unminedMax } = figures;
  const attempts = batches.reduce((sum, batch) => sum + batch.attempts, 0);
  return [
    ...[String(lane), String(batches.length), String(attempts)],
    ...[`${countText(waitingMs)} ms`, `after ${countText(firstMs)} ms`],
    `${countText(idleMs)} ms (${percent(idleMs, waitingMs)})`,
    ...[percent(fullMs, waitingMs), `≤ ${unminedMax}`],
  ];
}

function notesOf({
  config,
  settled,
  wholeMs,
  steadyPerS,
  cpuUs,
  bare,
  ...figures
}: ThroughputFigures) {
  const { batchChargesMax, batchesInFlightMax, finalityDepth } = config;
  const overall = (settled * 1_000) / wholeMs;
  const isMet = overall >= rateGoal ? 'met' : 'MISSED';
  const each = (us: number): string => `${countText(us / settled)} µs`;
  const ratio = (steadyPerS / bare.perS).toFixed(2);
  return [
    `${batchesInFlightMax} batches of ${batchChargesMax} in flight, depth ${finalityDepth}.`,
    `${countText(settled)} confirmed in ${(wholeMs / 1_000).toFixed(1)} s, the payee has it all.`,
    `First charge to last confirmation: ${perS(overall)} (goal ${rateGoal}: ${isMet}); from the first confirmation on: ${perS(steadyPerS)}.`,
    `Gas of each, by the receipts: ${countText(figures.gasPerAuthorization)}.`,
    `Processor for each: ${each(cpuUs.service)} service and bench, ${each(cpuUs.node)} node.`,
    `The node alone, the same transactions sent straight: ${perS(bare.perS)}, ratio ${ratio}; all of them in blocks after ${(bare.wholeMs / 1_000).toFixed(1)} s, ${each(bare.nodeCpuUs)} each.`,
  ];
}

function percent(part: number, all: number): string {
  return `${((100 * part) / Math.max(1, all)).toFixed(1)} %`;
}

function perS(rate: number): string {
  return `${countText(rate)} authorizations/s`;
}
