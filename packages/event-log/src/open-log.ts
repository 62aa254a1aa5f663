import { readFileSync } from 'node:fs';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from './event-log.js';
import type { KafkaLogOptions, KafkaSasl } from './kafka/settings.js';
import { createKafkaWakeups } from './kafka/wakeups.js';
import { openKafkaLog } from './kafka-log.js';
import { openLmdbLog } from './lmdb-log.js';
import { createLocalWakeups, type OpenWakeups } from './wakeups.js';

/** Which log and how to reach it; `logSchema` of service-kit reads it from the environment. */
export interface LogSettings {
  readonly kind: 'lmdb' | 'kafka';
  readonly brokers: readonly string[];
  readonly clientId?: string;
  readonly sessionTimeoutMs?: number;
  readonly isTls: boolean;
  readonly tlsCaFile?: string;
  readonly saslMechanism?: KafkaSasl['mechanism'];
  readonly saslUsername?: string;
  readonly saslPasswordFile?: string;
}

export interface LogPlace {
  /** Of the embedded log. */
  readonly directory: string;
  /** Names this process to the brokers, unless the settings do. */
  readonly clientId: string;
  /** The name above is that of an instance, which nobody else has while it runs. */
  readonly isInstance?: boolean;
}

/** Nothing is connected or created before the first question. */
export function openLog(settings: LogSettings, place: LogPlace): EventLog {
  const { directory, clientId, isInstance = false } = place;
  if (settings.kind === 'lmdb') return openLmdbLog({ directory });
  // Whoever chose another client id may have chosen it for several.
  const isClientIdOurs = isInstance && settings.clientId === undefined;
  return openKafkaLog({ ...kafkaOptions(settings, clientId), isClientIdOurs });
}

/**
 * Wake-ups between the processes of this log. The embedded log has none across processes: an
 * ingress there reads `decisions` when nobody woke it.
 */
export function openWakeups(
  settings: LogSettings,
  { clientId }: Pick<LogPlace, 'clientId'>,
): OpenWakeups {
  if (settings.kind === 'kafka') return createKafkaWakeups(kafkaOptions(settings, clientId));
  return {
    ...createLocalWakeups(),
    assertListening: () => undefined,
    dropped: () => 0,
    close: async () => undefined,
  };
}

export function kafkaOptions(settings: LogSettings, clientId: string): KafkaLogOptions {
  const { brokers, isTls, tlsCaFile, saslMechanism, saslUsername, saslPasswordFile } = settings;
  if (brokers.length === 0) throw fail('config_invalid', 'EVENT_LOG=kafka needs KAFKA_BROKERS');
  const ca = tlsCaFile === undefined ? {} : { ca: readText(tlsCaFile) };
  const sasl =
    saslMechanism === undefined || saslUsername === undefined || saslPasswordFile === undefined
      ? undefined
      : {
          mechanism: saslMechanism,
          username: saslUsername,
          password: readText(saslPasswordFile).trim(),
        };
  return {
    brokers,
    clientId: settings.clientId ?? clientId,
    ...(settings.sessionTimeoutMs === undefined
      ? {}
      : { sessionTimeoutMs: settings.sessionTimeoutMs }),
    ...(isTls ? { tls: ca } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw fail('secret_unreadable', 'A file named by the settings of the log cannot be read.', {
      cause,
      context: { path },
    });
  }
}

/** The variables that choose the log; everything else of it has defaults. */
export type LogEnvironment = Readonly<Record<string, string | undefined>>;

/** The log of the environment, for tools that have no settings of their own. */
export function openLogOf(env: LogEnvironment, place: LogPlace): EventLog {
  return openLog(logSettingsOf(env), place);
}

export function logSettingsOf(env: LogEnvironment): LogSettings {
  const kind = textOf(env.EVENT_LOG) ?? 'lmdb';
  if (kind !== 'lmdb' && kind !== 'kafka') {
    throw fail('config_invalid', `EVENT_LOG is ${kind}, not lmdb or kafka`);
  }
  const optional = {
    clientId: textOf(env.KAFKA_CLIENT_ID),
    tlsCaFile: textOf(env.KAFKA_TLS_CA_FILE),
    saslMechanism: textOf(env.KAFKA_SASL_MECHANISM) as KafkaSasl['mechanism'] | undefined,
    saslUsername: textOf(env.KAFKA_SASL_USERNAME),
    saslPasswordFile: textOf(env.KAFKA_SASL_PASSWORD_FILE),
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    kind,
    brokers: (env.KAFKA_BROKERS ?? '').split(',').filter((broker) => broker !== ''),
    isTls: env.KAFKA_TLS === 'true' || env.KAFKA_TLS === '1',
    ...Object.fromEntries(given),
  };
}

function textOf(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
