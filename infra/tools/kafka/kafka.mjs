#!/usr/bin/env node
// A Kafka broker for developers and CI, without Docker: start, stop, wipe, kill.
// usage: node infra/tools/kafka/kafka.mjs start|stop|wipe|kill [--nodes 1|3] [--dir D] [--node N]
import { parseArgs } from 'node:util';
import { startKafka, wipeKafka } from '../../../packages/testkit/dist/kafka-broker.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: 'string', default: '1' },
    dir: { type: 'string', default: '.paycrawl/kafka' },
    node: { type: 'string', default: '0' },
  },
});
const nodes = values.nodes === '3' ? 3 : 1;
const [command] = positionals;
switch (command) {
  case 'start': {
    const { brokers } = await startKafka({ directory: values.dir, nodes });
    console.log(`KAFKA_BROKERS=${brokers.join(',')}`);
    break;
  }
  case 'stop':
    await (await startKafka({ directory: values.dir, nodes })).stop();
    break;
  case 'kill':
    (await startKafka({ directory: values.dir, nodes })).kill(Number.parseInt(values.node, 10));
    break;
  case 'wipe':
    await wipeKafka(values.dir);
    break;
  default:
    console.error('usage: kafka.mjs start|stop|wipe|kill [--nodes 1|3] [--dir D] [--node N]');
    process.exitCode = 2;
}
process.exit();
