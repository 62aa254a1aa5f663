import { parseArgs } from 'node:util';
import { explained } from '@paycrawl/errors/paycrawl-error';
import { note } from './command-line.js';
import type { LoadFigures } from './driver/closed-loop.js';
import { type FigureTable, printTables, type TablesFile } from './figure-table.js';
import { thisMachine, writeFigures } from './figures.js';
import { measureOurs, measureReference, type StackFigures } from './peers/compare.js';
import { installPeers } from './peers/install-peers.js';

// The x402 reference stack and ours behind the same driver, on the same machine, in one run.

/** Ours beside the best that the reference did of the same. */
export interface PeersFile extends TablesFile {
  readonly ratios?: { readonly challenges: number; readonly verify: number; readonly paid: number };
}

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
});
const share = flags.quick ? 10 : 1;
const ofPeer = {
  challengeSeconds: 5 / share,
  verifications: 1_000 / share,
  paidOneAtATime: 200 / share,
  paidAtSixteen: 320 / share,
  warmUp: 100 / share,
};
const ofOurs = {
  challengeSeconds: 5 / share,
  verifications: 20_000 / share,
  paidOneAtATime: 1_000 / share,
  paidAtSixteen: 10_000 / share,
  paidAtMost: 15_000 / share,
  warmUp: 3_000 / share,
};

try {
  installPeers(note);
  const peer = await measureReference({ sizes: ofPeer, hasNonceManager: false }, named('peer'));
  const manager = { sizes: ofPeer, hasNonceManager: true };
  const managed = await measureReference(manager, named('peer with nonceManager'));
  const ours = await measureOurs(ofOurs, named('ours'));
  const tables = [tableOf(peer, managed, ours)];
  printTables(tables);
  if (flags.json !== undefined) {
    const machine = thisMachine(Date.now());
    const ratios = ratiosOf([peer, managed], ours);
    writeFigures(flags.json, { machine, tables, ratios } satisfies PeersFile);
  }
} catch (error) {
  process.stderr.write(`no comparison: ${explained(error)}\n`);
  process.exitCode = 2;
}

function tableOf(peer: StackFigures, managed: StackFigures, ours: StackFigures): FigureTable {
  const row = (what: string, its: LoadFigures, own: LoadFigures) => [
    ...[what, figure(its), figure(own)],
    ratio(its, own),
  ];
  const atSixteen = 'paid requests, 16 at once';
  return {
    head: ['what', 'x402 reference 2.27', 'ours', 'ratio'],
    rows: [
      row('challenges, 64 at once', peer.challenges, ours.challenges),
      row('/verify, 256 at once', peer.verify, ours.verify),
      row('paid requests, one at a time', peer.paidOneAtATime, ours.paidOneAtATime),
      row(atSixteen, peer.paidAtSixteen, ours.paidAtSixteen),
      row(`${atSixteen}, peer with nonceManager`, managed.paidAtSixteen, ours.paidAtSixteen),
      ...(ours.paidAtMost === undefined
        ? []
        : [row('paid requests, 16 at once, ours 64', managed.paidAtSixteen, ours.paidAtMost)]),
    ],
    notes: [],
  };
}

function ratiosOf(peers: readonly StackFigures[], ours: StackFigures) {
  const best = (rateOf: (stack: StackFigures) => number) => Math.max(...peers.map(rateOf));
  const paidOf = ({ paidOneAtATime, paidAtSixteen, paidAtMost }: StackFigures) =>
    Math.max(paidOneAtATime.ratePerS, paidAtSixteen.ratePerS, paidAtMost?.ratePerS ?? 0);
  return {
    challenges: ours.challenges.ratePerS / best(({ challenges }) => challenges.ratePerS),
    verify: ours.verify.ratePerS / best(({ verify }) => verify.ratePerS),
    paid: paidOf(ours) / best(paidOf),
  };
}

function figure({ ratePerS, requests, failures, p50Ms, p99Ms }: LoadFigures): string {
  const failed = requests === 0 ? 0 : (100 * failures) / requests;
  const rate = ratePerS < 100 ? ratePerS.toFixed(1) : Math.round(ratePerS).toLocaleString('en');
  return (
    `${rate}/s, ${failed.toFixed(failed > 0 && failed < 1 ? 2 : 0)} % failed, ` +
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
  );
}

function ratio(its: LoadFigures, own: LoadFigures): string {
  return its.ratePerS === 0 ? '–' : `${(own.ratePerS / its.ratePerS).toFixed(1)} ×`;
}

function named(who: string): (what: string) => void {
  return (what) => note(`${who}: ${what}`);
}
