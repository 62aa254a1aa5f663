import { targetOf } from '../../driver/http-connection.js';
import { runOpenLoop } from '../../driver/open-loop.js';
import { isToldToComeBack, requestBytes } from '../crawls.js';
import type { Storm } from './storm.js';

// Those who never pay, in a process of their own: they must not be slow because others are served.
const { target, connections, ratePerS, seconds } = JSON.parse(process.argv[2] ?? '') as Storm;
const bytes = requestBytes(target);
process.send?.('begun');
const figures = await runOpenLoop({
  ...{ target: targetOf(target.ingress), connections, ratePerS, seconds, graceSeconds: 1 },
  next: () => bytes,
  isExpected: ({ status }) => status === 402,
  isRefused: isToldToComeBack,
});
process.send?.(figures);
process.disconnect();
