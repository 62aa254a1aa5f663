import type { TLSSocketOptions } from 'node:tls';

/** How to log in, in the words of kafkajs. */
export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** Every knob of the Kafka log; the reason of each default stands at `kafkaSettings`. */
export interface KafkaLogOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** Shown in the broker's logs and quotas. */
  readonly clientId: string;
  /** No other process that runs has this client id: a dead member of it is of an earlier life. */
  readonly isClientIdOurs?: boolean;
  readonly tls?: TLSSocketOptions;
  readonly sasl?: KafkaSasl;
  /** Copies of every partition of a topic that is created; default: min(3, brokers). */
  readonly replicationFactor?: number;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** After this time without an acknowledgement a producer gives up and is finished. */
  readonly deliveryTimeoutMs?: number;
  /** After this time a question (offsets, read, topics, committed) fails. */
  readonly questionTimeoutMs?: number;
  readonly retryMs?: number;
  readonly retryMsMax?: number;
  readonly fetchWaitMs?: number;
  readonly fetchBytesMax?: number;
  readonly batchBytesMax?: number;
  readonly batchRecordsMax?: number;
  readonly sequenceMax?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly heartbeatMs?: number;
  readonly commitTimeoutMs?: number;
}

export interface KafkaSettings extends Required<Omit<KafkaLogOptions, OptionalKey>> {
  readonly tls: TLSSocketOptions | undefined;
  readonly sasl: KafkaSasl | undefined;
  readonly replicationFactor: number | undefined;
}

type OptionalKey = 'tls' | 'sasl' | 'replicationFactor';

/** A record batch of this size is written as a whole or not at all; topics are created with it. */
export const appendBytesMax = 8 * 1024 ** 2;
export const messageBytesMax = 2 * appendBytesMax;

export function kafkaSettings(options: KafkaLogOptions): KafkaSettings {
  return {
    brokers: options.brokers,
    clientId: options.clientId,
    isClientIdOurs: options.isClientIdOurs ?? false,
    tls: options.tls,
    sasl: options.sasl,
    replicationFactor: options.replicationFactor,
    // A broker that is gone must not be waited for: the next one may be there.
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
    // A half-open connection is noticed after this; a repeated batch is harmless.
    requestTimeoutMs: options.requestTimeoutMs ?? 5_000,
    // Longer than a change of leader or a restart of the broker, shorter than anybody's patience.
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 30_000,
    questionTimeoutMs: options.questionTimeoutMs ?? 10_000,
    // Quick at first, because most faults are over at once; never slower than twice a second.
    retryMs: options.retryMs ?? 50,
    retryMsMax: options.retryMsMax ?? 500,
    // The broker answers as soon as there is a record: this is only how often idle readers ask.
    fetchWaitMs: options.fetchWaitMs ?? 2_000,
    fetchBytesMax: options.fetchBytesMax ?? 1024 ** 2,
    // Of several calls together; a partition's share of one call is never cut.
    batchBytesMax: options.batchBytesMax ?? 1024 ** 2,
    batchRecordsMax: options.batchRecordsMax ?? 10_000,
    // Half of int32: a new producer id is taken long before sequence numbers run out.
    sequenceMax: options.sequenceMax ?? 2 ** 30,
    // Brokers refuse less than 6 s by default; only a death that nobody replaces waits for it.
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    // What a dead member costs when another one joins or leaves.
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 1_500,
    // How soon members hear of a rebalance.
    heartbeatMs: options.heartbeatMs ?? 250,
    commitTimeoutMs: options.commitTimeoutMs ?? 5_000,
  };
}
