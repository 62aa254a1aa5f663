import { type Finding, reporter } from './finding.js';

/** What the read API says of itself: log = ledger = ClickHouse = chain. */
interface Reconciliation {
  readonly outcome: 'equal' | 'differs' | 'unknown';
  readonly lag: number;
  readonly checks: readonly {
    readonly name: string;
    readonly outcome: 'equal' | 'differs' | 'unknown';
    readonly difference: string | null;
    readonly detail: string | null;
  }[];
}

export interface ReconciliationOptions {
  readonly api: string;
  readonly token: string;
  /** Analytics may still be catching up: it is asked again until it knows. */
  readonly attempts: number;
  readonly pauseMs: number;
}

export async function auditReconciliation(options: ReconciliationOptions): Promise<{
  readonly findings: readonly Finding[];
  readonly checks: number;
}> {
  let answer = await ask(options);
  for (let attempt = 1; attempt < options.attempts && answer.outcome !== 'equal'; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
    answer = await ask(options);
  }
  const findings: Finding[] = [];
  const report = reporter(findings);
  for (const { name, outcome, difference, detail } of answer.checks) {
    if (outcome === 'equal') continue;
    const rule = outcome === 'differs' ? 'reconciliation_differs' : 'reconciliation_unknown';
    report(rule, name, `difference ${difference ?? 'unknown'}; ${detail ?? `lag ${answer.lag}`}`);
  }
  return { findings, checks: answer.checks.length };
}

async function ask({ api, token }: ReconciliationOptions): Promise<Reconciliation> {
  const response = await fetch(new URL('/v1/reconciliation', api), {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) {
    const text = (await response.text()).slice(0, 300);
    const detail = `the API answered ${response.status}: ${text}`;
    const check = { name: 'api', outcome: 'unknown' as const, difference: null, detail };
    return { outcome: 'unknown', lag: 0, checks: [check] };
  }
  return (await response.json()) as Reconciliation;
}
