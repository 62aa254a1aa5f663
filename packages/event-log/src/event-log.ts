/**
 * The event log port. Its words are Kafka's words, so that every adapter (LMDB on one machine,
 * Kafka on many) means the same thing by them.
 *
 * Promises of every adapter (the contract suite tests them):
 * - `append` resolves only when the records are durable; what it resolved is never lost.
 * - Records of one producer stand in a partition in the order of its `append` calls.
 * - Offsets rise by one per record within a partition; nothing is ever rewritten.
 * - The append time of a partition never goes back: max(last, now) at the moment of the append.
 *   On Kafka it is the clock of the broker that leads: a change of leader, or of that clock, may
 *   set it back, so whoever decides by time takes the running maximum.
 */

/** One ordered sequence of records. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A record before it stands in the log. The caller chooses the partition (`partitionForKey`). */
export interface NewRecord extends TopicPartition {
  readonly key: string;
  /** Not to be changed any more: a reader of this process may get this very buffer. */
  readonly value: Buffer;
}

/**
 * A record that stands in the log; all readers of a process may get the same object, so nobody
 * changes it. `offset` is an int64 on Kafka; safe here below 2^53.
 */
export interface LogRecord extends NewRecord {
  readonly offset: number;
  /** Append time given by the log, Unix milliseconds; see above for when it may go back. */
  readonly timestampMs: number;
}

/** Where an acknowledged record stands. */
export interface Appended extends TopicPartition {
  readonly offset: number;
  readonly timestampMs: number;
}

export interface TopicConfig {
  readonly name: string;
  /** Fixed for the life of the topic: growth is a new topic generation. */
  readonly partitions: number;
  readonly retentionMs: number | 'forever';
}

export interface ProducerOptions {
  /** Bound of records waiting for acknowledgement; above it `append` fails `log_overloaded`. */
  readonly queueRecordsMax?: number;
  /**
   * Nobody waits for these records: they may stay this long for company, so that fewer and larger
   * batches are made durable. Kafka's word and meaning; adapters may ignore it. Default 0.
   */
  readonly lingerMs?: number;
}

export interface Producer {
  /**
   * Appends the records in order; those of one call are adjacent within each partition.
   *
   * Fails with `log_overloaded` (nothing was or will be written) or `log_unavailable` (unknown
   * whether anything was written: the producer is finished and must be discarded; nothing later
   * is written through it).
   */
  append(records: readonly NewRecord[]): Promise<Appended[]>;
  /**
   * For who waits no longer: ends the producer at once. What is not acknowledged fails with
   * `log_unavailable`, unknown as always, and is not tried again: it must not come into the log
   * after what its writer says of having given up.
   */
  discard(): void;
  /** Writes what was accepted first. */
  close(): Promise<void>;
}

/** A reader of one partition that no group shares out. */
export interface Tail {
  /** Stops after the batch that is being handled. */
  close(): Promise<void>;
}

export interface TailOptions extends TopicPartition {
  readonly fromOffset: number;
  readonly batchRecordsMax?: number;
  /** One call at a time; the next batch follows when it resolved. A rejection ends the tail. */
  onRecords(records: readonly LogRecord[]): Promise<void>;
  onError(error: unknown): void;
}

export interface GroupOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly batchRecordsMax?: number;
  /**
   * Nobody waits for what is made of the records: the next ones may gather this long after a batch,
   * so that fewer and larger ones are read. Adapters may ignore it. Default 0.
   */
  readonly lingerMs?: number;
  /**
   * This member owns the partition from now on, as far as it knows: after a pause another member
   * may own it too (a zombie), which the caller must make harmless.
   * Resolves to the offset to start at; `committed` is undefined for a group that never committed.
   */
  onAssign(partition: TopicPartition, committed: number | undefined): Promise<number>;
  onRecords(partition: TopicPartition, records: readonly LogRecord[]): Promise<void>;
  onRevoke(partition: TopicPartition): Promise<void>;
  onError(error: unknown): void;
}

export interface GroupMember {
  /** Records `nextOffset` as done for the group. Best effort after a rebalance. */
  commit(partition: TopicPartition, nextOffset: number): Promise<void>;
  close(): Promise<void>;
}

export interface EventLog {
  /** Creates what is missing; fails with `log_partition_count_fixed` on another count. */
  createTopics(topics: readonly TopicConfig[]): Promise<void>;
  topics(): Promise<TopicConfig[]>;
  /** The first offset still kept, and the one that the next record will get. */
  offsets(partition: TopicPartition): Promise<{ earliest: number; next: number }>;
  /** Up to `recordsMax` records from `fromOffset` (or the earliest kept); empty at the end. */
  read(partition: TopicPartition, fromOffset: number, recordsMax: number): Promise<LogRecord[]>;
  producer(options?: ProducerOptions): Producer;
  tail(options: TailOptions): Promise<Tail>;
  joinGroup(options: GroupOptions): Promise<GroupMember>;
  /** The committed offset of a group, for lag. */
  committed(groupId: string, partition: TopicPartition): Promise<number | undefined>;
  close(): Promise<void>;
}
