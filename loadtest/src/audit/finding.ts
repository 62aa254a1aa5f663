/** What an audit may find. `loss`: something that must be there is not. */
export const rules = {
  record_unreadable: 'loss',
  output_lost: 'loss',
  output_missing: 'loss',
  outputs_differ: 'difference',
  proof_missing: 'loss',
  delivery_missing: 'loss',
  hold_missing: 'loss',
  hold_not_ended: 'loss',
  delivery_not_ended: 'loss',
  held_twice: 'duplicate',
  charged_twice: 'duplicate',
  charge_id_wrong: 'difference',
  charge_differs: 'difference',
  settled_twice: 'duplicate',
  charge_out_of_order: 'difference',
  relay_missing: 'loss',
  sums_out_of_order: 'difference',
  obligations_exceed_balance: 'difference',
  due_missing: 'loss',
  due_twice: 'duplicate',
  due_differs: 'difference',
  batch_unknown: 'loss',
  gas_shares_differ: 'difference',
  ledger_missing: 'loss',
  ledger_differs: 'difference',
  ledger_extra: 'duplicate',
  ledger_unbalanced: 'difference',
  account_below_zero: 'difference',
  chain_transfer_missing: 'loss',
  chain_transfer_differs: 'difference',
  chain_paid_but_written_off: 'difference',
  chain_balance_short: 'loss',
  reconciliation_differs: 'difference',
  reconciliation_unknown: 'difference',
} as const satisfies Record<string, 'loss' | 'duplicate' | 'difference'>;

export type Rule = keyof typeof rules;

export interface Finding {
  readonly rule: Rule;
  /** Charge, batch, account or record: what an operator looks up. */
  readonly id: string;
  readonly detail: string;
}

/** Collects findings of one kind of place. */
export type Report = (rule: Rule, id: string, detail: string) => void;

export function reporter(findings: Finding[]): Report {
  return (rule, id, detail) => void findings.push({ rule, id, detail });
}

export function countOf(findings: readonly Finding[], kind: (typeof rules)[Rule]): number {
  return findings.filter(({ rule }) => rules[rule] === kind).length;
}
