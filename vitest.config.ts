import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Workspace packages resolve to their sources, so a test never runs a stale build.
const conditions = ['source', 'node', 'import', 'default'];

/** They need a broker, or minutes of a whole platform: `npm run test:kafka`. */
export const kafkaTests = [
  'services/standalone/src/migration/migrate.platform.test.ts',
  'services/standalone/src/operator/{backup,dead-letters,freeze}.test.ts',
  'services/analytics/src/rebuild/rebuild.test.ts',
  '{packages,services}/*/src/**/*.kafka.test.ts',
  'loadtest/src/**/*.kafka.test.ts',
];

/** They break a platform of their own: `npm run test:faults` (vitest.faults.config.ts). */
export const faultTests = ['services/*/src/**/*.faults.test.ts'];

/** Whole platforms, browsers and crashes, longest first: a long one begun last is waited for. */
const longTests = [
  'standalone/src/crash.test.ts',
  'console/src/console.browser.test.ts',
  'standalone/src/console.browser.test.ts',
  'standalone/src/platform.test.ts',
  'standalone/src/faults.test.ts',
  'standalone/src/chain-faults.test.ts',
  'loadtest/src/audit/kill.test.ts',
  'analytics/src/projection/replay.test.ts',
];

function rankOf({ moduleId }: TestSpecification): number {
  const rank = longTests.findIndex((name) => moduleId.endsWith(name));
  return rank < 0 ? longTests.length : rank;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,services}/*/src/**/*.test.ts', 'loadtest/src/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...kafkaTests, ...faultTests],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    // What becomes true at once still waits where a shared machine stalls for seconds.
    expect: { poll: { timeout: 15_000 } },
  },
});
