import { fail } from '@paycrawl/errors/paycrawl-error';
import { type Static, Type } from '@sinclair/typebox';

/** Which event log, and how to reach it: the same knobs for every service (`openLog` opens it). */
export const logSchema = Type.Object({
  kind: Type.Union([Type.Literal('lmdb'), Type.Literal('kafka')], {
    default: 'lmdb',
    env: 'EVENT_LOG',
    description: 'lmdb: one machine, in DATA_DIR/log; kafka: many machines',
  }),
  brokers: Type.Array(Type.String({ pattern: '^[^\\s,]+:[0-9]{1,5}$' }), {
    default: [],
    env: 'KAFKA_BROKERS',
    description: 'host:port of some brokers, separated by commas; the others are found',
  }),
  clientId: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._-]{1,120}$',
      env: 'KAFKA_CLIENT_ID',
      description: 'shown in logs and quotas of brokers; default: service and instance',
    }),
  ),
  sessionTimeoutMs: Type.Integer({
    minimum: 1_000,
    maximum: 300_000,
    default: 10_000,
    env: 'KAFKA_SESSION_TIMEOUT_MS',
    description:
      'what a death costs that nobody replaces; less than 6 s only where the brokers allow it ' +
      '(group.min.session.timeout.ms)',
  }),
  isTls: Type.Boolean({ default: false, env: 'KAFKA_TLS' }),
  tlsCaFile: Type.Optional(
    Type.String({ env: 'KAFKA_TLS_CA_FILE', description: 'PEM; default: what Node trusts' }),
  ),
  saslMechanism: Type.Optional(
    Type.Union(
      [Type.Literal('plain'), Type.Literal('scram-sha-256'), Type.Literal('scram-sha-512')],
      { env: 'KAFKA_SASL_MECHANISM' },
    ),
  ),
  saslUsername: Type.Optional(Type.String({ env: 'KAFKA_SASL_USERNAME' })),
  saslPasswordFile: Type.Optional(
    Type.String({
      env: 'KAFKA_SASL_PASSWORD_FILE',
      description: 'secrets come from files: an environment is shown by many tools',
    }),
  ),
});
export type LogSettings = Static<typeof logSchema>;

/** What the schema cannot say: which of these belong together. */
export function checkLogSettings(settings: LogSettings): void {
  const { kind, brokers, isTls, tlsCaFile, saslMechanism, saslUsername } = settings;
  if (kind === 'kafka' && brokers.length === 0) {
    throw fail('config_invalid', 'KAFKA_BROKERS: needed where EVENT_LOG is kafka');
  }
  if (tlsCaFile !== undefined && !isTls) {
    throw fail('config_invalid', 'KAFKA_TLS_CA_FILE: without KAFKA_TLS nothing would use it');
  }
  const isLogin = saslMechanism !== undefined;
  for (const [variable, value] of [
    ['KAFKA_SASL_USERNAME', saslUsername],
    ['KAFKA_SASL_PASSWORD_FILE', settings.saslPasswordFile],
  ] as const) {
    if ((value !== undefined) === isLogin) continue;
    throw fail('config_invalid', `${variable}: goes together with KAFKA_SASL_MECHANISM`);
  }
}
