import { fail } from '@paycrawl/errors/paycrawl-error';
import { runClosedLoop } from '../../driver/closed-loop.js';

// The client of a server that is measured, in a process of its own; it asks as often as it is told.
const [port = '', connections = '', expected = '', asked = ''] = process.argv.slice(2);
const plain = 'GET /page HTTP/1.1\r\nhost: bench\r\nuser-agent: GPTBot/1.3\r\n\r\n';
const request = Buffer.from(asked === '' ? plain : asked);
process.on('message', async (times: number) => {
  let left = times;
  const before = process.cpuUsage();
  const { failures } = await runClosedLoop({
    target: { host: '127.0.0.1', port: Number(port) },
    connections: Number(connections),
    secondsMax: 60,
    next: () => (left-- > 0 ? request : undefined),
    isExpected: ({ status }) => status === Number(expected),
  });
  if (failures > 0) throw fail('bench_failed', `${failures} of ${times} were not answered`);
  const { user, system } = process.cpuUsage(before);
  process.send?.(user + system);
});
process.send?.('ready');
