import { timerEntry } from '@paycrawl/fold/timers';
import { describe, expect, it } from 'vitest';
import { alice, asset, proofOf } from './admission.given.js';
import { carryAdmission } from './migrate.js';
import type { Admission } from './state.js';

const proof = proofOf(1);
const admission = { status: 'waiting', proof, requests: [], untilMs: 1, leases: 0 } as Admission;
const key = `n/${proof.chargeId}`;
const none = () => undefined;
const carried = (name: string, value: unknown = true) =>
  carryAdmission([name, value], (asked) => (asked === key ? admission : undefined));

describe('admission on its way into a new generation', () => {
  it.each([
    [`p/${alice}/${asset}`],
    [`i/${alice}/pay_1`],
    [`w/${alice}/${asset}`],
    [`f/${alice}`],
    [`k/${alice}`],
    [`o/${proof.chargeId}`],
    [timerEntry(5, key)],
    [timerEntry(5, `p/${alice}/${asset}`)],
  ])('behavior: %s goes with its payer', (name) => {
    expect(carried(name)).toEqual({ to: 'payer', payer: alice, entry: [name, true] });
  });

  it('behavior: records kept while parked stay in order and before all new ones', () => {
    const kept = [3, 40].map((offset) => {
      const name = `kr/${alice}/${String(offset).padStart(16, '0')}`;
      return carried(name)?.entry[0] ?? '';
    });
    const later = `kr/${alice}/${String(1).padStart(16, '0')}`;
    expect([...kept, later].sort()).toEqual([...kept, later]);
  });

  it('behavior: causes of the old topics and its closing stay behind', () => {
    for (const name of ['~a/charges.1/0', '~g', 'closed']) expect(carried(name)).toBeUndefined();
  });

  it('behavior: a timer of a forgotten proof stays behind', () => {
    expect(carryAdmission([timerEntry(5, key), true], none)).toBeUndefined();
  });

  it.each(['new/thing', timerEntry(5, 'new/thing')])(
    'error: migration_state_unknown: %s',
    (name) => {
      expect(() => carried(name)).toThrowError(/migration_state_unknown/);
    },
  );
});
