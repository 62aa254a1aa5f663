import type { TopicName } from '@paycrawl/events/topics';

/**
 * Who sets aside a record of the topic that cannot be read; the reader of dead letters meets what
 * stands there by itself.
 */
export const settersAside: Record<TopicName, readonly string[]> = {
  challenges: ['analytics'],
  payments: ['analytics', 'verifier'],
  decisions: ['analytics', 'metering'],
  ledger: ['analytics'],
  charges: ['analytics', 'settlement'],
  settlements: ['analytics'],
  registry: ['analytics'],
  'snapshots-verifier': ['verifier'],
  'snapshots-metering': ['metering'],
  'snapshots-settlement': ['settlement'],
  'dead-letters': [],
};
