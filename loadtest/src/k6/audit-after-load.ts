import { type AuditOptions, runAudit } from '../audit/run-audit.js';

/** Other traffic may go on, and then there is always something that is not folded yet. */
const attemptsMax = 30;
const pauseMs = 1_000;

/**
 * An audit judges what the folds have come to; after a load they need a moment for the rest of it.
 * A finding is one whenever it is found.
 */
export async function auditUntilFolded(options: AuditOptions): ReturnType<typeof runAudit> {
  for (let attempt = 1; ; attempt++) {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const audit = await runAudit({ ...options, write });
    const isLast = audit.counts.unfolded === 0 || attempt === attemptsMax;
    if (isLast || audit.findings.length > 0) {
      for (const line of lines) options.write(line);
      return audit;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
