/**
 * The parts of kafkajs 2.2.4 that the adapter uses: its codecs of Kafka's wire protocol and its
 * SASL mechanisms (docs/adr/0004-kafkajs-one-batch-in-flight.md). They have no types of their own;
 * the version is pinned, and `kafka-log.kafka.test.ts` fails if they change.
 */
declare module 'kafkajs/src/protocol/requests/index.js' {
  export interface Codec {
    readonly request: {
      readonly apiKey: number;
      readonly apiName: string;
      readonly apiVersion: number;
      encode(): Promise<{ readonly buffer: Buffer }>;
    };
    readonly response: {
      decode(payload: Buffer): Promise<unknown>;
      parse(decoded: unknown): Promise<unknown>;
    };
  }
  export type ApiVersions = Readonly<Record<number, { minVersion: number; maxVersion: number }>>;
  interface Definition {
    readonly versions: readonly string[];
    protocol(version: { version: number }): (payload?: object) => Codec;
  }
  const module: {
    readonly requests: Readonly<Record<string, Definition>>;
    lookup(
      versions: ApiVersions,
    ): (apiKey: number, definition: Definition) => (payload: object) => Codec;
  };
  export default module;
}

declare module 'kafkajs/src/protocol/requests/apiKeys.js' {
  const apiKeys: Readonly<Record<string, number>>;
  export default apiKeys;
}

declare module 'kafkajs/src/protocol/error.js' {
  const module: {
    readonly errorCodes: readonly {
      readonly type: string;
      readonly code: number;
      readonly retriable: boolean;
    }[];
  };
  export default module;
}

declare module 'kafkajs/src/broker/saslAuthenticator/index.js' {
  import type { ApiVersions, Codec } from 'kafkajs/src/protocol/requests/index.js';
  export default class SaslAuthenticator {
    constructor(
      connection: {
        readonly host: string;
        readonly port: number;
        readonly sasl: object;
        send(codec: Codec): Promise<unknown>;
      },
      logger: { namespace(name: string): object },
      versions: ApiVersions,
      supportAuthenticationProtocol: boolean,
    );
    authenticate(): Promise<void>;
  }
}
