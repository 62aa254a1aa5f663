import { Packr } from 'msgpackr';

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
  return Buffer.from(packr.pack(value));
}

export function decodeEntity(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
