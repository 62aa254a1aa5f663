import { join } from 'node:path';
import { openLmdbLog } from '@paycrawl/event-log/lmdb-log';
import {
  type PlatformProcess,
  startPlatformProcess,
} from '@paycrawl/standalone/testing/platform-process';
import { addBenchPublisher } from './bench-publisher.js';
import type { Target } from './crawls.js';

/** Of the bench's publisher; every path of it costs the same. */
export const pricedPath = '/page';

/** Work on an embedded platform of its own with a priced page; it is gone afterwards. */
export async function withBenchPlatform<Result>(
  work: (platform: PlatformProcess, target: Target) => Promise<Result>,
): Promise<Result> {
  const platform = await startPlatformProcess();
  try {
    const { run, dataDir } = platform;
    const log = openLmdbLog({ directory: join(dataDir, 'log') });
    const publisher = await addBenchPublisher(run, log);
    await log.close();
    const target = { ingress: run.ingress, host: publisher.host, path: pricedPath };
    const result = await work(platform, target).finally(() => publisher.close());
    await platform.stop();
    return result;
  } finally {
    await platform.remove();
  }
}
