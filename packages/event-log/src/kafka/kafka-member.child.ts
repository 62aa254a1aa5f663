/** A member of a group in a process of its own, which a test freezes and kills. */
import { openKafkaLog } from '../kafka-log.js';

const [brokers = '', groupId = '', topic = ''] = process.argv.slice(2);

function say(...words: (string | number)[]): void {
  process.stdout.write(`${words.join(' ')}\n`);
}

const log = openKafkaLog({
  brokers: brokers.split(','),
  clientId: 'child',
  // A rebalance waits for longer than a session: who is replaced has outlived its own.
  sessionTimeoutMs: 2_000,
  rebalanceTimeoutMs: 10_000,
});

const member = await log.joinGroup({
  groupId,
  topics: [topic],
  async onAssign({ partition }, committed) {
    say('assign', partition);
    return committed ?? 0;
  },
  async onRecords(place, records) {
    for (const { key } of records) say('record', place.partition, key);
    await member.commit(place, (records.at(-1)?.offset ?? -1) + 1);
  },
  async onRevoke({ partition }) {
    say('revoke', partition);
  },
  onError: (error) => say('error', String(error)),
});

process.once('SIGTERM', () => {
  void log.close().then(() => say('closed'));
});
