import { fail } from '@paycrawl/errors/paycrawl-error';
import { runClosedLoop } from '../../driver/closed-loop.js';

// The client of a server that is measured, in a process of its own; it asks as often as it is told.
const [port = '', connections = '', expected = ''] = process.argv.slice(2);
const request = Buffer.from('GET /page HTTP/1.1\r\nhost: bench\r\nuser-agent: GPTBot/1.3\r\n\r\n');
process.on('message', async (times: number) => {
  let left = times;
  const { failures } = await runClosedLoop({
    target: { host: '127.0.0.1', port: Number(port) },
    connections: Number(connections),
    secondsMax: 60,
    next: () => (left-- > 0 ? request : undefined),
    isExpected: ({ status }) => status === Number(expected),
  });
  if (failures > 0) throw fail('bench_failed', `${failures} of ${times} were not answered`);
  process.send?.('answered');
});
process.send?.('ready');
