import { ChargePosted } from '@paycrawl/events/decisions';
import { define } from '@paycrawl/events/definition';
import { type AnyEvent, allDefinitions, createDecoder } from '@paycrawl/events/event';
import { upcasters } from '@paycrawl/events/upcasters';
import { Type } from '@sinclair/typebox';

const hook = new URL('../../dist/testing/newer-version.js', import.meta.url);

/** A program started with this is the next release (testing/newer-version.ts). */
export const newerRelease: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${hook.href}`,
};

const newerChargePosted = define('ChargePosted', ChargePosted.version + 1, {
  ...ChargePosted.schema.properties,
  postingRule: Type.Integer({ minimum: 0 }),
});
const definitions = [...allDefinitions, newerChargePosted];

/** Reads as the next release does. */
export const decodeNewer = createDecoder(
  new Map(definitions.map((definition) => [definition.type, definition])),
  { ...upcasters, 'ChargePosted.v1': (data) => ({ ...(data as object), postingRule: 0 }) },
);

/** Which release wrote a charge that `decodeNewer` has read; undefined: it is none. */
export function releaseOf({ type, data }: AnyEvent): 'present' | 'newer' | undefined {
  if (type !== 'ChargePosted') return undefined;
  return (data as { postingRule?: number }).postingRule === 1 ? 'newer' : 'present';
}
