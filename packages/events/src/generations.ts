import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { Id, UnixMs } from './schema.js';

/** Growth by a new generation of topics; ADR 0007 says in which order these are written. */

const Generation = Type.Integer({ minimum: 1, maximum: 1000 });
const Partitions = Type.Integer({ minimum: 1, maximum: 4096 });

/** In `registry`: the marker. From here on this generation is in force, and no other. */
export const GenerationOpened = define('GenerationOpened', 1, {
  generation: Generation,
  payerPartitions: Partitions,
  publisherPartitions: Partitions,
});

/** In `charges`: settlement seals no more; what is in flight goes on to its end. */
export const PartitionClosing = define('PartitionClosing', 1, { generation: Generation });

/** In `payments` and `charges`: records without a cause decide nothing from here on. */
export const PartitionClosed = define('PartitionClosed', 1, { generation: Generation });

/** One chunk of the state that a fold begins with in a partition of a new generation. */
export const PartitionSeeded = define('PartitionSeeded', 1, {
  /** The `name` of the fold that takes it; other readers of the topic take the time alone. */
  fold: Id,
  generation: Generation,
  seq: Type.Integer({ minimum: 0 }),
  of: Type.Integer({ minimum: 1 }),
  /** The largest log time of the partitions that it comes from. */
  nowMs: UnixMs,
  entries: Type.Array(Type.Object({ key: Type.String(), value: Type.String() })),
});
