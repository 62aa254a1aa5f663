import { type Refusal, refuse } from './refusal.js';

/** Key of the x402 extension with which a client names a payment, so that it may ask twice. */
export const extensionKey = 'payment-identifier';

/** The declaration as the published extension package writes it, optional for the client. */
export const declaration = {
  info: { required: false },
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      required: { type: 'boolean' },
      id: { type: 'string', minLength: 16, maxLength: 128, pattern: '^[a-zA-Z0-9_-]+$' },
    },
    required: ['required'],
  },
} as const;

const idGrammar = /^[a-zA-Z0-9_-]{16,128}$/;

export type PaymentIdReading = { readonly kind: 'id'; readonly id: string | undefined } | Refusal;

/** A client may leave the extension out; if it echoes it, it adds fields and alters none. */
export function readPaymentId(extensions: Readonly<Record<string, unknown>>): PaymentIdReading {
  if (!Object.hasOwn(extensions, extensionKey)) return { kind: 'id', id: undefined };
  const info = fieldsOf(fieldsOf(extensions[extensionKey])?.info);
  if (info?.required !== false) return refuse('proof_extension_echo_mismatch');
  if (info.id === undefined) return { kind: 'id', id: undefined };
  if (typeof info.id !== 'string' || !idGrammar.test(info.id)) {
    return refuse('proof_payment_id_invalid');
  }
  return { kind: 'id', id: info.id };
}

interface InfoFields {
  readonly info?: unknown;
  readonly required?: unknown;
  readonly id?: unknown;
}

function fieldsOf(value: unknown): InfoFields | undefined {
  return typeof value === 'object' && value !== null ? value : undefined;
}
