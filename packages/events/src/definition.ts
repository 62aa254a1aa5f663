import { type Static, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';
import type { Envelope } from './envelope.js';

/** One event type in one version; the schema is both the type and the validator. */
export interface EventDefinition<Name extends string = string, Schema extends TSchema = TSchema> {
  readonly type: Name;
  readonly version: number;
  readonly schema: Schema;
}

export function define<Name extends string, Properties extends TProperties>(
  type: Name,
  version: number,
  properties: Properties,
): EventDefinition<Name, TObject<Properties>> {
  return { type, version, schema: Type.Object(properties) };
}

export type EventOf<Definition> =
  Definition extends EventDefinition<infer Name, infer Schema>
    ? Envelope<Name, Static<Schema>>
    : never;

export type DataOf<Definition> =
  Definition extends EventDefinition<string, infer Schema> ? Static<Schema> : never;
