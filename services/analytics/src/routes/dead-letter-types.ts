import { type Static, Type } from '@sinclair/typebox';

const strict = { additionalProperties: false } as const;

export const DeadLettersQuery = Type.Object(
  {
    topic: Type.Optional(
      Type.String({ description: 'Where they stood: payments, or with generation, payments.1' }),
    ),
    code: Type.Optional(Type.String({ description: 'Why they were set aside' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    cursor: Type.Optional(Type.String({ description: '`next` of the page before' })),
  },
  strict,
);

export const DeadLetter = Type.Object(
  {
    position: Type.String({
      description: 'topic/partition/offset, as `npm run dead-letters` has it',
    }),
    topic: Type.String(),
    partition: Type.Integer(),
    offset: Type.Integer(),
    at: Type.String({ description: 'When the first consumer set it aside; ISO 8601, UTC' }),
    code: Type.String(),
    detail: Type.String(),
    consumers: Type.Array(Type.String()),
    key: Type.String(),
    valueBytes: Type.Integer({ description: 'Length of the record' }),
    valueBase64: Type.String({ description: 'Its first 1,024 bytes' }),
    newOffset: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Where it stands again in its partition, if it was driven again',
    }),
  },
  { $id: 'DeadLetter', ...strict },
);
export type DeadLetter = Static<typeof DeadLetter>;

export const DeadLetters = Type.Object(
  {
    deadLetters: Type.Array(DeadLetter),
    next: Type.Union([Type.String(), Type.Null()]),
    isWhole: Type.Boolean({
      description: 'False: only the newest 10,000 records were looked through',
    }),
  },
  { $id: 'DeadLetters', ...strict },
);
export type DeadLetters = Static<typeof DeadLetters>;
