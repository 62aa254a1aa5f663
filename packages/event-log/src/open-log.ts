import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from './event-log.js';
import { openKafkaLog } from './kafka-log.js';
import { openLmdbLog } from './lmdb-log.js';

/** The variables that choose the log; everything else of it has defaults. */
export type LogEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * The log of the environment: `EVENT_LOG=kafka` with `KAFKA_BROKERS=host:port,…`, else LMDB in the
 * data folder. Nothing is connected or created before the first question.
 */
export function openLogOf(
  env: LogEnvironment,
  { directory, clientId }: { readonly directory: string; readonly clientId: string },
): EventLog {
  const kind = env.EVENT_LOG === undefined || env.EVENT_LOG === '' ? 'lmdb' : env.EVENT_LOG;
  if (kind === 'lmdb') return openLmdbLog({ directory });
  if (kind !== 'kafka') throw fail('config_invalid', `EVENT_LOG is ${kind}, not lmdb or kafka`);
  const brokers = (env.KAFKA_BROKERS ?? '').split(',').filter((broker) => broker !== '');
  if (brokers.length === 0) throw fail('config_invalid', 'EVENT_LOG=kafka needs KAFKA_BROKERS');
  return openKafkaLog({ brokers, clientId });
}
