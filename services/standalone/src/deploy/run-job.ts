import { explained } from '@paycrawl/errors/paycrawl-error';
import { configCommand, processEnvironment } from '@paycrawl/service-kit/config';
import type { Static, TObject } from '@sinclair/typebox';

/**
 * The whole of a job's program: `--validate` and `--print-config` as every service has them, else
 * runs to its end. Exit code 1 and a line that says what to do when it fails.
 */
export async function runJob<S extends TObject>(
  schema: S,
  run: (config: Static<S>, say: (line: string) => void) => Promise<void>,
): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const outcome = configCommand(schema, {
    argv: process.argv.slice(2),
    env: processEnvironment(),
    write: say,
  });
  if (outcome.action === 'exit') {
    process.exitCode = outcome.exitCode;
    return;
  }
  try {
    await run(outcome.config, say);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`${explained(error)}\n`);
  }
}
