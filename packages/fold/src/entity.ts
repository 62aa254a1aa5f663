import { Packr, RESET_BUFFER_MODE } from 'msgpackr';

/**
 * How stores, snapshots and seeds keep an entity. Deterministic for equal values: equal states are
 * equal bytes. bigint stays bigint.
 */
export const packr = new Packr({
  useRecords: false,
  int64AsType: 'bigint',
  useBigIntExtension: true,
});

export function encodeEntity(value: unknown): Buffer {
  return Buffer.from(packForNow(packr, value));
}

/** For who copies it at once: the next value that anybody packs takes its place. */
export function packForNow(by: Packr, value: unknown): Buffer {
  return by.pack(value, RESET_BUFFER_MODE);
}

export function decodeEntity(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
