/**
 * `/livez`: is this process getting anywhere? `/readyz`: may traffic be sent to it?
 *
 * Liveness is progress: a probe fails when there is lag and nothing was committed for
 * `stalledAfterMs`. A quiet service has no lag and is alive; a stuck loop answers HTTP and is not.
 */
export interface Health {
  /** A readiness check; it throws or rejects when the thing it asks is not usable. */
  check(name: string, run: () => void | Promise<void>): void;
  /** A liveness probe; the owner calls `committed()` whenever a position became durable. */
  progress(name: string, options: ProgressOptions): Progress;
  /** Starting → ready; without it `/readyz` answers 503. */
  markReady(): void;
  /** Ready → stopping: first step of a shutdown, so that no new traffic is sent. */
  markStopping(): void;
  live(): Promise<HealthReport>;
  ready(): Promise<HealthReport>;
}

export interface ProgressOptions {
  /** Records (or anything countable) that wait; 0 means that there is nothing to do. */
  readonly lag: () => number | Promise<number>;
  readonly stalledAfterMs: number;
}

export interface Progress {
  committed(): void;
}

export interface HealthReport {
  readonly status: 'ok' | 'failing';
  readonly checks: Readonly<Record<string, CheckReport>>;
}

export type CheckReport =
  | { readonly status: 'ok' }
  | { readonly status: 'failing'; readonly reason: string };

export interface HealthOptions {
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
  /** A check that hangs is a failing check. */
  readonly checkTimeoutMs?: number;
}

interface ProgressState extends ProgressOptions {
  /** Since when lag was seen without a commit; undefined while there is none. */
  waitingSinceMs: number | undefined;
}

type Phase = 'starting' | 'ready' | 'stopping';

const ok: CheckReport = { status: 'ok' };

export function createHealth(options: HealthOptions = {}): Health {
  const nowMs = options.nowMs ?? (() => performance.now());
  const timeoutMs = options.checkTimeoutMs ?? 2_000;
  const checks = new Map<string, () => void | Promise<void>>();
  const probes = new Map<string, ProgressState>();
  let phase: Phase = 'starting';
  return {
    check: (name, run) => void checks.set(name, run),
    progress: (name, spec) => {
      const state: ProgressState = { ...spec, waitingSinceMs: undefined };
      probes.set(name, state);
      return { committed: () => restart(state, nowMs()) };
    },
    markReady: () => {
      if (phase === 'starting') phase = 'ready';
    },
    markStopping: () => {
      phase = 'stopping';
    },
    live: async () => {
      const entries = [...probes].map(
        async ([name, state]) =>
          [name, await bounded(() => probe(state, nowMs()), timeoutMs)] as const,
      );
      return reportOf(await Promise.all(entries));
    },
    ready: async () => {
      const entries = [...checks].map(
        async ([name, run]) => [name, await bounded(() => passed(run), timeoutMs)] as const,
      );
      return reportOf([['phase', phaseReport(phase)], ...(await Promise.all(entries))]);
    },
  };
}

function restart(state: ProgressState, nowMs: number): void {
  if (state.waitingSinceMs !== undefined) state.waitingSinceMs = nowMs;
}

/** Lag that is seen for the first time starts the clock: after quiet hours it is no stall. */
async function probe(state: ProgressState, nowMs: number): Promise<CheckReport> {
  const lag = await state.lag();
  if (lag <= 0) {
    state.waitingSinceMs = undefined;
    return ok;
  }
  state.waitingSinceMs ??= nowMs;
  const waitedMs = nowMs - state.waitingSinceMs;
  if (waitedMs < state.stalledAfterMs) return ok;
  const seconds = Math.round(waitedMs / 1000);
  return { status: 'failing', reason: `lag ${lag}, nothing committed for ${seconds} s` };
}

async function passed(run: () => void | Promise<void>): Promise<CheckReport> {
  await run();
  return ok;
}

async function bounded(run: () => Promise<CheckReport>, timeoutMs: number): Promise<CheckReport> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckReport>((resolve) => {
    const reason = `no answer within ${timeoutMs} ms`;
    timer = setTimeout(() => resolve({ status: 'failing', reason }), timeoutMs);
  });
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    return { status: 'failing', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

function phaseReport(phase: Phase): CheckReport {
  return phase === 'ready' ? ok : { status: 'failing', reason: phase };
}

function reportOf(entries: readonly (readonly [string, CheckReport])[]): HealthReport {
  const isOk = entries.every(([, report]) => report.status === 'ok');
  return { status: isOk ? 'ok' : 'failing', checks: Object.fromEntries(entries) };
}
