import { fail } from '@paycrawl/errors/paycrawl-error';

/** Is told of every step that is passed. */
export type OnStep = (service: string, step: string) => void;

/**
 * For tests: `settlement.submitted:2` kills the process, as a power cut would, right after it
 * passed that step the second time. Undefined where nothing is asked for.
 */
export function crashPoint(
  crashAt: string | undefined,
  /** Every step that there is, as `<service>.<step>`. */
  steps: readonly string[],
): OnStep | undefined {
  if (crashAt === undefined) return undefined;
  const [wanted = '', times = '1'] = crashAt.split(':');
  if (!steps.includes(wanted)) throw fail('config_invalid', `CRASH_AT: no step ${wanted}`);
  let left = Number.parseInt(times, 10);
  return (service, step) => {
    if (`${service}.${step}` !== wanted) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
}
