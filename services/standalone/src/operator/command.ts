import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explained, fail, hasCode } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { enterGeneration } from '@paycrawl/event-log/generation';
import { openLogOf } from '@paycrawl/event-log/open-log';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { standaloneConfig } from '../config.js';

/** What a command of the operator's was called with. */
export interface Called {
  readonly positionals: readonly string[];
  /** The value of `--name`; undefined when it was not given. */
  option(name: string): string | undefined;
  isSet(name: string): boolean;
}

export interface Command {
  /** Printed by `--help`, and where the command was called wrongly. */
  readonly usage: string;
  readonly options: Readonly<Record<string, 'string' | 'boolean'>>;
  /** Resolves to what is printed. */
  run(called: Called): Promise<readonly string[]>;
}

/** Exit code 0: done · 1: refused, with a code of docs/errors.md · 2: called wrongly. */
export async function runCommand(command: Command, argv = process.argv.slice(2)): Promise<void> {
  try {
    const called = readCall(command, argv);
    if (called.isSet('help')) return void process.stdout.write(command.usage);
    for (const line of await command.run(called)) process.stdout.write(`${line}\n`);
  } catch (error) {
    process.exitCode = hasCode(error, 'operator_usage') ? 2 : 1;
    process.stderr.write(`${explained(error)}\n`);
    if (process.exitCode === 2) process.stderr.write(`\n${command.usage}`);
  }
}

function readCall({ options }: Command, argv: readonly string[]): Called {
  const types = Object.entries({ ...options, help: 'boolean' as const });
  const wanted = Object.fromEntries(types.map(([name, type]) => [name, { type }]));
  try {
    const { values, positionals } = parseArgs({
      ...{ args: [...argv], options: wanted, allowPositionals: true },
    });
    return {
      positionals,
      option: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
      isSet: (name) => values[name] === true,
    };
  } catch (cause) {
    throw fail('operator_usage', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** The log that the platform of this environment uses, closed after the work. */
export async function withLog<T>(work: (log: EventLog) => Promise<T>): Promise<T> {
  const directory = join(standaloneConfig().dataDir, 'log');
  const log = openLogOf(processEnvironment(), { directory, clientId: 'paycrawl-operator' });
  try {
    // Names of topics are those of the generation in force.
    await enterGeneration(log);
    return await work(log);
  } finally {
    await log.close();
  }
}
