import { type Static, Type } from '@sinclair/typebox';

const strict = { additionalProperties: false } as const;
const AddressText = Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' });

const registration = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  hosts: Type.Array(
    Type.String({
      maxLength: 253,
      pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$',
      description: 'as in the Host header, with a port where it is not that of the scheme',
    }),
    { minItems: 1, maxItems: 1000 },
  ),
  origin: Type.String({
    maxLength: 2048,
    description: 'scheme and authority of the one server that requests go to',
  }),
  network: Type.String({ pattern: '^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$', description: 'CAIP-2' }),
  asset: AddressText,
  payTo: AddressText,
};

/** PUT /v1/publishers/{id} */
export const PublisherPut = Type.Object(registration, { $id: 'PublisherPut', ...strict });
export type PublisherPut = Static<typeof PublisherPut>;

export const PublisherAnswer = Type.Object(
  { id: Type.String(), ...registration },
  { $id: 'PublisherAnswer', ...strict, description: 'What is registered, in its one form' },
);
export type PublisherAnswer = Static<typeof PublisherAnswer>;
