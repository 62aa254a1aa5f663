import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import type { Address } from './link.js';

/**
 * What may go wrong between this process and a broker. Faults are told apart by their cause, a
 * lost connection or the code that the broker answered, never by the name of an error class.
 */
const kinds = new Map(protocolErrors.errorCodes.map((entry) => [entry.code, entry]));

/** Transient although the list of kafkajs says otherwise: another broker may do better. */
const alsoTransient = new Set(['BROKER_NOT_AVAILABLE', 'STALE_BROKER_EPOCH']);

export const groupFaults = {
  rebalance: 'REBALANCE_IN_PROGRESS',
  generation: 'ILLEGAL_GENERATION',
  unknownMember: 'UNKNOWN_MEMBER_ID',
  fenced: 'FENCED_INSTANCE_ID',
  memberIdRequired: 'MEMBER_ID_REQUIRED',
} as const;

/** Kafka's name of an error code, e.g. `NOT_LEADER_FOR_PARTITION`. */
export function kafkaType(code: number): string {
  return kinds.get(code)?.type ?? `CODE_${code}`;
}

export function brokerFault(code: number, what: string): PaycrawlError {
  const kafka = kafkaType(code);
  const isTransient = kinds.get(code)?.retriable === true || alsoTransient.has(kafka);
  return fail('log_unavailable', `The broker refused: ${what}.`, {
    context: { kafka, isTransient },
  });
}

export function connectionFault(what: string, cause?: unknown): PaycrawlError {
  return fail('log_unavailable', what, {
    context: { isTransient: true },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Node's name of a fault of TLS or of a socket, e.g. `SELF_SIGNED_CERT_IN_CHAIN`. */
function nameOf(cause: unknown): string {
  const { code, type } = (cause ?? {}) as { code?: unknown; type?: unknown };
  return String(code ?? type ?? 'no reason given');
}

/**
 * Asking again does not help against what these two tell: somebody must change a setting. So a
 * question fails at once, a reader ends with it, and whoever starts sees it in the first line.
 */
export function tlsFault(what: string, address: Address, cause?: unknown): PaycrawlError {
  const reason = cause === undefined ? '' : ` (${nameOf(cause)})`;
  return fail('log_tls_failed', `${what}${reason}.`, {
    context: { isTransient: false, broker: `${address.host}:${address.port}` },
    ...(cause === undefined ? {} : { cause }),
  });
}

export function loginFault(mechanism: string, address: Address, cause: unknown): PaycrawlError {
  return fail('log_login_refused', `A broker refused the login by ${mechanism}.`, {
    context: { isTransient: false, broker: `${address.host}:${address.port}` },
    cause,
  });
}

/** The broker's word for what it refused; undefined for anything that is no refusal. */
export function kafkaTypeOf(error: unknown): string | undefined {
  const kafka = contextOf(error).kafka;
  return typeof kafka === 'string' ? kafka : undefined;
}

/** Trying the same again may help. Everything unknown, a defect for example, is not. */
export function isTransient(error: unknown): boolean {
  return contextOf(error).isTransient === true;
}

function contextOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error) || !('context' in error)) return {};
  return error.context as Readonly<Record<string, unknown>>;
}

export function throwIfRefused(code: number, what: string): void {
  if (code !== 0) throw brokerFault(code, what);
}
