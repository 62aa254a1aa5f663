import { fail } from '@paycrawl/errors/paycrawl-error';
import { operate } from './operate.js';
import { runCommand, withLog } from './operator/command.js';

const usage = `usage: npm run operate -- <event> '<data>'

Writes an event of docs/events.md that an operator may write, in every partition that has to know
it: npm run operate -- PayerReleased '{"payer": "eip155:84532:0x…", "ruleVersion": 1}'

The platform may run or not. The log is that of EVENT_LOG and KAFKA_BROKERS, or LMDB in DATA_DIR.

exit code 0: it stands in the log · 1: refused, nothing was written · 2: called wrongly
`;

await runCommand({
  usage,
  options: {},
  async run({ positionals: [type, json = '{}', ...rest] }) {
    if (type === undefined || rest.length > 0) throw fail('operator_usage', 'which event?');
    const data = parsed(json);
    const written = await withLog((log) => operate(log, type, data, Date.now()));
    return written.map(
      ({ topic, partition, offset }) => `${type} stands in ${topic}[${partition}] at ${offset}`,
    );
  },
});

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw fail('operator_usage', 'the data is not JSON', { cause });
  }
}
