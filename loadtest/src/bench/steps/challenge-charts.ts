import { addToBlock, emptyBlock, rowsOfBlock } from '@paycrawl/analytics/projection/block';
import { challengesFold } from '@paycrawl/analytics/projection/challenges-fold';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import { cpuUsOfRounds } from './cpu-per-call.js';
import { openFolding } from './fold-events.js';

const rounds = 3;

/** What analytics computes for one challenge, from its record to its rows, without the engine. */
export async function challengeChartsUs(
  challenges: readonly AnyEvent[],
  nowMs: number,
): Promise<number> {
  const values = challenges.map(encodeEvent);
  const us = await cpuUsOfRounds(rounds, async () => {
    const folding = openFolding(challengesFold, nowMs);
    const block = emptyBlock();
    for (const value of values) {
      const read = decodeEvent(value);
      if (read.kind !== 'event') continue;
      for (const output of folding.feed([read.event])) addToBlock(block, output);
    }
    rowsOfBlock(block);
  });
  return us / challenges.length;
}
