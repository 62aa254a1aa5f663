import { fail } from '@paycrawl/errors/paycrawl-error';
import { foldSteps } from '@paycrawl/fold/steps';
import { ingressSteps } from '@paycrawl/ingress/steps';
import { settlementSteps } from '@paycrawl/settlement/batches/steps';

const folding = ['verifier', 'metering', 'settlement', 'analytics'] as const;

/** Every named step of the services, as `<service>.<step>`. */
export const crashSteps: readonly string[] = [
  ...ingressSteps.map((step) => `ingress.${step}`),
  ...folding.flatMap((service) => foldSteps.map((step) => `${service}.${step}`)),
  ...settlementSteps.map((step) => `settlement.${step}`),
];

/** Is told of every step that is passed. */
export type OnStep = (service: string, step: string) => void;

/**
 * For tests: `settlement.submitted:2` kills the process, as a power cut would, right after it
 * passed that step the second time. Undefined where nothing is asked for.
 */
export function crashPoint(crashAt: string | undefined): OnStep | undefined {
  if (crashAt === undefined) return undefined;
  const [wanted = '', times = '1'] = crashAt.split(':');
  if (!crashSteps.includes(wanted)) throw fail('config_invalid', `CRASH_AT: no step ${wanted}`);
  let left = Number.parseInt(times, 10);
  return (service, step) => {
    if (`${service}.${step}` !== wanted) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
}
