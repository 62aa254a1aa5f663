import { parseArgs } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { loadConfig, processEnvironment } from '@paycrawl/service-kit/config';
import { recoveryThreadsKnob } from '@paycrawl/service-kit/process-config';
import { type Static, Type } from '@sinclair/typebox';

const Port = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: 0, description });

/** Everything that a person may set for the platform on one machine. */
export const StandaloneConfig = Type.Object({
  ingressPort: Port('The publisher site with the till; 0 = any free port.'),
  apiPort: Port('Read API and console; 0 = any free port.'),
  facilitatorPort: Port('x402 facilitator API; 0 = any free port.'),
  devnetPort: Port('JSON-RPC of the devnet; 0 = any free port. Kept once the devnet runs.'),
  devnetBlockTimeS: Type.Integer({
    minimum: 1,
    maximum: 60,
    default: 1,
    description: 'Seconds between blocks of a new devnet; from 3 on it forgets old states.',
  }),
  dataDir: Type.String({ default: '.paycrawl', description: 'All state of the platform.' }),
  runFile: Type.String({
    default: '.paycrawl/run.json',
    description: 'Where scripts look for the running platform.',
  }),
  partitions: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 2,
    description: 'Payer partitions: one for each core of a small machine; `migrate` adds more.',
  }),
  recoveryThreads: recoveryThreadsKnob,
  crashAt: Type.Optional(
    Type.String({
      pattern: '^[a-z]+\\.[a-z_]+(:[1-9][0-9]{0,5})?$',
      description: 'For tests: dies after the named step, `settlement.submitted:2`.',
    }),
  ),
});
export type StandaloneConfig = Static<typeof StandaloneConfig>;

/** `npm run up:processes`: the services of docker-compose.yml, each as a process. */
export const ProcessesConfig = Type.Object({
  dataDir: Type.String({ default: '.paycrawl/processes', description: 'Volumes, logs, devnet.' }),
  runFile: Type.String({
    default: '.paycrawl/run.json',
    description: 'Where scripts look for the running platform.',
  }),
});
export type ProcessesConfig = Static<typeof ProcessesConfig>;

export interface ProcessesFlags {
  readonly brokers: 1 | 3;
  readonly demo: boolean;
  readonly fresh: boolean;
}

export function processesConfig(): ProcessesConfig {
  return loadConfig(ProcessesConfig, processEnvironment());
}

export function processesFlags(argv: readonly string[]): ProcessesFlags {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      brokers: { type: 'string', default: '1' },
      demo: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
    },
  });
  const { brokers, demo, fresh } = values;
  if (brokers !== '1' && brokers !== '3') throw fail('config_invalid', '--brokers: 1 or 3');
  return { brokers: brokers === '1' ? 1 : 3, demo, fresh };
}

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
