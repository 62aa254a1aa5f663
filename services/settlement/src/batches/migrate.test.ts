import { timerEntry } from '@paycrawl/fold/timers';
import { describe, expect, it } from 'vitest';
import { joinSettlement, partSettlement } from './migrate.js';
import { type Charge, poolKey } from './state.js';

const network = 'eip155:84532';
const asset = `0x${'a'.repeat(40)}`;
const pool = `${network}/${asset}`;
const nowMs = 10_000;

function charge(chargeId: string, status: Charge['status'], isAlone = false): Charge {
  const due = { chargeId, network, asset, authorization: { validBefore: '1800000600' } };
  return { due, status, isAlone, dueAtMs: 1, batchId: undefined, tries: 0 } as unknown as Charge;
}

const line = { network, asset, queued: 2, alone: 0, timerAtMs: 12_000, isDue: false };

describe('settlement on its way into a new generation', () => {
  it('behavior: a line moves when the earliest of those it came from was to', () => {
    const waiting = [
      { charge: charge('a', 'queued'), dueAtMs: 12_000 },
      { charge: charge('b', 'alone', true), dueAtMs: 11_000 },
      { charge: charge('c', 'held'), dueAtMs: 1 },
      { charge: charge('d', 'parked'), dueAtMs: 1 },
    ];
    const state = new Map(
      joinSettlement({ generation: 2, waiting, lanes: [], settings: undefined }),
    );
    expect(state.get(poolKey(pool))).toEqual({
      ...{ network, asset, queued: 1, alone: 1, timerAtMs: 11_000, isDue: false },
    });
    expect(state.get(timerEntry(11_000, poolKey(pool)))).toBe(true);
    expect(state.get('generation')).toBe(2);
    expect([...state.keys()].filter((key) => /^[cqah]\//.test(key)).sort()).toEqual([
      `a/${pool}/001800000600/b`,
      ...['c/a', 'c/b', 'c/c', 'c/d', 'h/c'],
      `q/${pool}/001800000600/a`,
    ]);
  });

  it('behavior: what was due already is due at once', () => {
    const entries = [[poolKey(pool), { ...line, isDue: true, timerAtMs: undefined }]] as const;
    expect(partSettlement(entries, nowMs).dueAtMs).toEqual(new Map([[pool, nowMs]]));
    const later = [[poolKey(pool), line]] as const;
    expect(partSettlement(later, nowMs).dueAtMs).toEqual(new Map([[pool, 12_000]]));
  });

  it('error: migration_batches_open while one is in flight', () => {
    expect(() => partSettlement([['b/b0-1-0', {}]], nowMs)).toThrowError(/migration_batches_open/);
  });

  it('error: migration_state_unknown for anything else', () => {
    expect(() => partSettlement([['new/thing', {}]], nowMs)).toThrowError(
      /migration_state_unknown/,
    );
  });
});
