import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { logLevelOf } from './config.js';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly service: string;
  /** Default: `LOG_LEVEL`, silent under the test runner. */
  readonly level?: string;
  readonly destination?: DestinationStream;
}

/** Keys that never reach a log line, whoever logs the object that holds them. */
const redacted = [
  'token',
  'privateKey',
  'secret',
  'authorization',
  '*.token',
  '*.privateKey',
  '*.secret',
  '*.authorization',
  'headers["payment-signature"]',
  'headers["x-payment"]',
  'headers.cookie',
  '*.headers["payment-signature"]',
  '*.headers["x-payment"]',
  '*.headers.cookie',
];

/** JSON lines on stdout; time as RFC 3339, level as a word, because people read these too. */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level ?? logLevelOf(),
    base: { service: options.service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redacted, censor: '***' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
