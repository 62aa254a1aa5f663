import type { EventLog } from '@paycrawl/event-log/event-log';
import { auditUntilFolded } from '../k6/audit-after-load.js';

/** What the audit said of a run; a run that is not clean is a failed one, whatever its figures. */
export interface Verdict {
  /** Its last line. */
  readonly verdict: string;
  readonly isClean: boolean;
}

/** Long enough to settle what was charged, at the rate of the devnet. */
const reconciliation = { attempts: 240, pauseMs: 500 };

/** Proves the books of a platform that still runs; findings are told at once. */
export async function proveBooks(openLog: () => EventLog, runFile: string): Promise<Verdict> {
  const lines: string[] = [];
  const { findings, counts } = await auditUntilFolded({
    ...{ openLog, runFile, rpcUrl: undefined, reconciliation },
    write: (line) => void lines.push(line),
  });
  const isClean = findings.length === 0 && counts.unfolded === 0;
  if (!isClean) process.stderr.write(`${lines.join('\n')}\n`);
  const unfolded = counts.unfolded === 0 ? '' : `, ${counts.unfolded} records not folded`;
  return { verdict: `${lines.at(-1) ?? ''}${unfolded}`, isClean };
}
