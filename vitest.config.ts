import { configDefaults, defineConfig } from 'vitest/config';

// Workspace packages resolve to their sources, so a test never runs a stale build.
const conditions = ['source', 'module', 'node', 'import', 'default'];

/** They need a broker: `npm run test:kafka` (vitest.kafka.config.ts). */
export const kafkaTests = ['{packages,services}/*/src/**/*.kafka.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,services}/*/src/**/*.test.ts', 'loadtest/src/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...kafkaTests],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});
