import { Type } from '@sinclair/typebox';
import { define } from './definition.js';
import { Id, Text } from './schema.js';

/** A record set aside with its bytes and position; the partition went on. */
export const RecordDeadLettered = define('RecordDeadLettered', 1, {
  consumer: Id,
  code: Id,
  detail: Text,
  topic: Id,
  partition: Type.Integer({ minimum: 0 }),
  offset: Type.Integer({ minimum: 0 }),
  key: Text,
  /** The record's value as it stood in the log. */
  valueBase64: Type.String(),
});

/** Bytes that were set aside stand in their partition again, because they can be read now. */
export const RecordRedriven = define('RecordRedriven', 1, {
  topic: Id,
  partition: Type.Integer({ minimum: 0 }),
  /** Where they stood first, and where they stand now. */
  offset: Type.Integer({ minimum: 0 }),
  newOffset: Type.Integer({ minimum: 0 }),
  /** Who wanted it. */
  operator: Id,
  reason: Text,
});

export const deadLetterEvents = [RecordDeadLettered, RecordRedriven] as const;
