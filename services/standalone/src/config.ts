import { loadConfig, processEnvironment } from '@paycrawl/service-kit/config';
import { type Static, Type } from '@sinclair/typebox';

const Port = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: 0, description });

/** Everything that a person may set for the platform on one machine. */
export const StandaloneConfig = Type.Object({
  ingressPort: Port('The publisher site with the till; 0 = any free port.'),
  apiPort: Port('Read API and console; 0 = any free port.'),
  facilitatorPort: Port('x402 facilitator API; 0 = any free port.'),
  devnetPort: Port('JSON-RPC of the devnet; 0 = any free port. Kept once the devnet runs.'),
  dataDir: Type.String({ default: '.paycrawl', description: 'All state of the platform.' }),
  runFile: Type.String({
    default: '.paycrawl/run.json',
    description: 'Where scripts look for the running platform.',
  }),
  partitions: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 4,
    description: 'Payer partitions; fixed by the first start of a data folder.',
  }),
  crashAt: Type.Optional(
    Type.String({
      pattern: '^[a-z]+\\.[a-z_]+(:[1-9][0-9]{0,5})?$',
      description: 'For tests: dies after the named step, `settlement.submitted:2`.',
    }),
  ),
});
export type StandaloneConfig = Static<typeof StandaloneConfig>;

export interface StandaloneFlags {
  readonly demo: boolean;
  readonly fresh: boolean;
}

export function standaloneConfig(): StandaloneConfig {
  return loadConfig(StandaloneConfig, processEnvironment());
}

export function flagsOf(argv: readonly string[]): StandaloneFlags {
  return { demo: !argv.includes('--no-demo'), fresh: argv.includes('--fresh') };
}

/** The environment that a platform started as a child begins with: quiet unless asked. */
export function childEnvironment(): Record<string, string> {
  const entries = Object.entries(processEnvironment()).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { LOG_LEVEL: 'warn', ...Object.fromEntries(entries) };
}
