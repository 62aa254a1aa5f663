import { fail } from '@paycrawl/errors/paycrawl-error';
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js';
import wire, { type ApiVersions, type Codec } from 'kafkajs/src/protocol/requests/index.js';
import { fetchCodec, fetchVersion } from './fetch-codec.js';
import type { OwnCodec } from './own-codec.js';
import { produceCodec, produceVersion } from './produce-codec.js';
import type { ReadRecord } from './record-batch.js';

/** The requests that the adapter makes, as the codecs of kafkajs take and give them. */
export interface Api {
  ApiVersions: [
    request: object,
    response: {
      errorCode: number;
      apiVersions: { apiKey: number; minVersion: number; maxVersion: number }[];
    },
  ];
  Metadata: [
    /** No topics: all. */
    request: { topics: readonly string[]; allowAutoTopicCreation: false },
    response: { brokers: Node[]; topicMetadata: TopicMetadata[] },
  ];
  Produce: [
    request: ProduceRequest,
    response: { topics: ProducedTopic[]; clientSideThrottleTime: number },
  ];
  Fetch: [
    request: FetchRequest,
    response: { errorCode: number; responses: FetchedTopic[]; clientSideThrottleTime: number },
  ];
  ListOffsets: [
    request: {
      replicaId: -1;
      isolationLevel: 0;
      topics: { topic: string; partitions: { partition: number; timestamp: -1 | -2 }[] }[];
    },
    response: { responses: { partitions: { errorCode: number; offset: string }[] }[] },
  ];
  GroupCoordinator: [
    request: { groupId: string; coordinatorType: 0 },
    response: { errorCode: number; coordinator: Node },
  ];
  JoinGroup: [request: JoinRequest, response: Joined];
  SyncGroup: [
    request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
    },
    response: { errorCode: number; memberAssignment: Buffer },
  ];
  Heartbeat: [
    request: { groupId: string; groupGenerationId: number; memberId: string },
    response: { errorCode: number },
  ];
  LeaveGroup: [request: { groupId: string; memberId: string }, response: { errorCode: number }];
  DescribeGroups: [
    request: { groupIds: readonly string[] },
    response: {
      groups: { errorCode: number; members: { memberId: string; clientId: string }[] }[];
    },
  ];
  OffsetCommit: [
    request: {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
      topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
    },
    response: { responses: { partitions: { errorCode: number }[] }[] },
  ];
  OffsetFetch: [
    request: {
      groupId: string;
      topics: { topic: string; partitions: { partition: number }[] }[];
    },
    response: {
      errorCode: number;
      responses: { partitions: { offset: string; errorCode: number }[] }[];
    },
  ];
  InitProducerId: [
    request: { transactionalId: null; transactionTimeout: number },
    response: { errorCode: number; producerId: string; producerEpoch: number },
  ];
  CreateTopics: [
    request: { topics: readonly NewTopic[]; validateOnly: false; timeout: number },
    response: { topicErrors: { topic: string; errorCode: number; errorMessage: string | null }[] },
  ];
  DeleteTopics: [
    request: { topics: readonly string[]; timeout: number },
    response: { topicErrors: { topic: string; errorCode: number }[] },
  ];
  DescribeConfigs: [
    request: { resources: readonly { type: 2; name: string; configNames: readonly string[] }[] },
    response: { resources: DescribedTopic[] },
  ];
}

export interface Node {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly topicErrorCode: number;
  readonly topic: string;
  readonly isInternal: boolean;
  readonly partitionMetadata: readonly {
    readonly partitionId: number;
    /** -1: none at the moment. */
    readonly leader: number;
    readonly replicas: readonly number[];
  }[];
}

export interface ProduceRequest {
  /** -1: all in-sync replicas; 1: the leader alone, for what may be lost. */
  readonly acks: -1 | 1;
  readonly timeout: number;
  /** Absent: not idempotent. */
  readonly producerId?: string;
  readonly producerEpoch?: number;
  readonly compression: 0;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly { readonly key: string; readonly value: Buffer }[];
    }[];
  }[];
}

export interface ProducedTopic {
  readonly topicName: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly errorCode: number;
    readonly baseOffset: number;
    readonly logAppendTimeMs: number;
  }[];
}

export interface FetchRequest {
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: 0;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: number;
      readonly maxBytes: number;
    }[];
  }[];
}

export interface FetchedTopic {
  readonly topicName: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly errorCode: number;
    /** None before the offset that was asked for. */
    readonly records: readonly ReadRecord[];
  }[];
}

export interface JoinRequest {
  readonly groupId: string;
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly memberId: string;
  readonly protocolType: 'consumer';
  readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface Joined {
  readonly errorCode: number;
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface NewTopic {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: readonly { readonly name: string; readonly value: string }[];
}

export interface DescribedTopic {
  readonly errorCode: number;
  readonly resourceName: string;
  readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
}

export type { ApiVersions, Codec };

/**
 * The codec of the newest version that both sides know: kafkajs', but for the two requests that
 * carry records.
 */
export function codecOf<A extends keyof Api>(
  api: A,
  payload: Api[A][0],
  versions: ApiVersions | undefined,
): Codec {
  const definition = wire.requests[api];
  const apiKey = apiKeys[api];
  if (definition === undefined || apiKey === undefined) {
    throw fail('kafka_failed', `no codec of ${api}`);
  }
  // Asked before any version is known; every broker since 2.0 answers it.
  if (versions === undefined) return definition.protocol({ version: 2 })(payload);
  if (api === 'Produce') {
    const codec = produceCodec(payload as ProduceRequest);
    return own(api, apiKey, produceVersion, versions, codec);
  }
  if (api === 'Fetch') {
    return own(api, apiKey, fetchVersion, versions, fetchCodec(payload as FetchRequest));
  }
  return wire.lookup(versions)(apiKey, definition)(payload);
}

function own(
  apiName: string,
  apiKey: number,
  apiVersion: number,
  versions: ApiVersions,
  { encode, decode }: OwnCodec<unknown>,
): Codec {
  const known = versions[apiKey];
  if (known === undefined || known.minVersion > apiVersion || known.maxVersion < apiVersion) {
    throw fail('kafka_failed', `the broker does not know version ${apiVersion} of ${apiName}`);
  }
  const parse = (decoded: unknown) => Promise.resolve(decoded);
  return { request: { apiKey, apiName, apiVersion, encode }, response: { decode, parse } };
}
