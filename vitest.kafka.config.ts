import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import base, { kafkaTests } from './vitest.config.ts';

/** Tests against a real broker: `npm run test:kafka`. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: undefined, exclude: undefined } },
  defineConfig({
    test: {
      include: kafkaTests,
      exclude: configDefaults.exclude,
      globalSetup: ['infra/tools/kafka/vitest-setup.ts'],
      // One broker on two cores: files take turns.
      fileParallelism: false,
      testTimeout: 60_000,
    },
  }),
);
