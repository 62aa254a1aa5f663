import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { logSettingsOf } from '@paycrawl/event-log/open-log';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { crashPoint } from '@paycrawl/service-kit/crash-point';
import { growSigners } from '@paycrawl/settlement/signers';
import { standaloneConfig } from '../config.js';
import { runCommand, withLog } from '../operator/command.js';
import { migrate, migrationSteps } from './migrate.js';

const usage = `usage: npm run migrate -- --partitions <n> [--publisher-partitions <n>]
                              [--wait-s <seconds>] [--dry-run]

Moves the platform to topics with more partitions (docs/operations.md, "Grow partitions"). The
platform may run: settlement ends what is in flight, then payments are answered 503 until its
processes were started again. Killed, it is to be run again; until it says that the new generation
is in force, the old one is. The log is that of EVENT_LOG and KAFKA_BROKERS, or LMDB in DATA_DIR.

  --dry-run   counts what would be carried; nothing is written
  --wait-s    how long settlement may take for what is in flight (default 120)

exit code 0: the new generation is in force · 1: refused, or to be run again · 2: called wrongly
`;

await runCommand({
  usage,
  options: {
    partitions: 'string',
    'publisher-partitions': 'string',
    'wait-s': 'string',
    'dry-run': 'boolean',
  },
  async run({ option, isSet }) {
    const partitions = countOf('partitions', option('partitions'));
    if (partitions === undefined) throw fail('operator_usage', '--partitions: how many?');
    const { dataDir, crashAt } = standaloneConfig();
    const onStep = crashPoint(
      crashAt,
      migrationSteps.map((step) => `migrate.${step}`),
    );
    const secrets = join(dataDir, 'secrets');
    const isEmbedded = logSettingsOf(processEnvironment()).kind === 'lmdb';
    await withLog((log) =>
      migrate({
        ...{ log, partitions, isDryRun: isSet('dry-run'), clock: Date.now },
        publisherPartitions: countOf('publisher-partitions', option('publisher-partitions')),
        scratch: join(dataDir, 'migration'),
        waitMs: (countOf('wait-s', option('wait-s')) ?? 120) * 1000,
        onStep: (step) => onStep?.('migrate', step),
        write: (line) => void process.stdout.write(`${line}\n`),
        prepare: async ({ payer }) => {
          if (isEmbedded && existsSync(secrets)) await growSigners(secrets, payer);
        },
      }),
    );
    return [];
  },
});

function countOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,4}$/.test(text)) throw fail('operator_usage', `--${name} is no such number`);
  return Number.parseInt(text, 10);
}
