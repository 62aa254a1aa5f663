import type { Logger } from './logger.js';

/**
 * Create a resource, register its close on the next line. Closing runs in reverse order of
 * creation under one deadline; what does not close in time is named and left behind.
 */
export interface Lifecycle {
  onClose(name: string, close: () => void | Promise<void>): void;
  /** Runs once; later calls get the same report. */
  close(reason: string): Promise<CloseReport>;
  /** Aborted when closing begins: loops and waits look at it. */
  readonly signal: AbortSignal;
}

export interface CloseReport {
  readonly reason: string;
  readonly closed: readonly string[];
  readonly failed: readonly { readonly name: string; readonly error: unknown }[];
  /** Not finished, or not begun, when the deadline came. */
  readonly abandoned: readonly string[];
}

export interface LifecycleOptions {
  readonly logger: Logger;
  readonly deadlineMs: number;
}

interface Step {
  readonly name: string;
  readonly close: () => void | Promise<void>;
}

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const steps: Step[] = [];
  const abort = new AbortController();
  let closing: Promise<CloseReport> | undefined;
  return {
    signal: abort.signal,
    onClose: (name, close) => void steps.push({ name, close }),
    close: (reason) => {
      if (closing === undefined) {
        abort.abort(reason);
        closing = closeAll(steps, reason, options);
      }
      return closing;
    },
  };
}

async function closeAll(
  steps: Step[],
  reason: string,
  { logger, deadlineMs }: LifecycleOptions,
): Promise<CloseReport> {
  const closed: string[] = [];
  const failed: { name: string; error: unknown }[] = [];
  const deadline = startDeadline(deadlineMs);
  logger.info({ reason, deadlineMs }, 'closing');
  // Popping, not iterating: something made while closing is closed too.
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const outcome = await Promise.race([run(step), deadline.passed]);
    if (outcome === 'late') {
      const abandoned = [step.name, ...steps.map(({ name }) => name).reverse()];
      logger.error({ reason, abandoned, deadlineMs }, 'closing took too long');
      return { reason, closed, failed, abandoned };
    }
    if (outcome === 'closed') closed.push(step.name);
    else {
      failed.push({ name: step.name, error: outcome.error });
      logger.error({ err: outcome.error, step: step.name }, 'closing failed');
    }
  }
  deadline.clear();
  logger.info({ reason, closed }, 'closed');
  return { reason, closed, failed, abandoned: [] };
}

async function run(step: Step): Promise<'closed' | { error: unknown }> {
  try {
    await step.close();
    return 'closed';
  } catch (error) {
    return { error };
  }
}

function startDeadline(deadlineMs: number): { passed: Promise<'late'>; clear: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), deadlineMs);
  });
  return { passed, clear: () => clearTimeout(timer) };
}

/** The part of `process` that signals need; a test hands in its own. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', handler: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', handler: () => void): unknown;
  exit(code: number): void;
}

/**
 * First SIGTERM or SIGINT closes and exits (0, or 1 when something failed or was abandoned), a
 * second one exits at once. Returns a function that stops listening.
 */
export function handleSignals(lifecycle: Lifecycle, source: SignalSource = process): () => void {
  let isClosing = false;
  const onSignal = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (isClosing) {
      source.exit(signal === 'SIGINT' ? 130 : 143);
      return;
    }
    isClosing = true;
    void lifecycle.close(signal).then((report) => {
      source.exit(report.failed.length + report.abandoned.length === 0 ? 0 : 1);
    });
  };
  const onTerm = (): void => onSignal('SIGTERM');
  const onInt = (): void => onSignal('SIGINT');
  source.on('SIGTERM', onTerm);
  source.on('SIGINT', onInt);
  return () => {
    source.off('SIGTERM', onTerm);
    source.off('SIGINT', onInt);
  };
}
