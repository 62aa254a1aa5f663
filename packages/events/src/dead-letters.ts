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

export const deadLetterEvents = [RecordDeadLettered] as const;
