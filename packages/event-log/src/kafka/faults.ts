import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import protocolErrors from 'kafkajs/src/protocol/error.js';

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
