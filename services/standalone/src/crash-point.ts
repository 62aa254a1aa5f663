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
