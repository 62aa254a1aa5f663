import { targetOf } from '../../driver/http-connection.js';
import { runOpenLoop } from '../../driver/open-loop.js';
import { isToldToComeBack } from './beyond-peak.js';
import { type Storm, stormRequest } from './storm.js';

// Those who never pay, in a process of their own: they must not be slow because others are served.
const storm = JSON.parse(process.argv[2] ?? '') as Storm;
const { target, connections, ratePerS, seconds } = storm;
const bytes = stormRequest(storm);
process.send?.('begun');
const figures = await runOpenLoop({
  ...{ target: targetOf(target.ingress), connections, ratePerS, seconds, graceSeconds: 1 },
  next: () => bytes,
  isExpected: ({ status }) => status === 402,
  isRefused: isToldToComeBack,
});
process.send?.(figures);
process.disconnect();
