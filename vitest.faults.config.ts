import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import base, { faultTests } from './vitest.config.ts';

/** The fault matrix: `npm run test:faults`. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: undefined, exclude: undefined } },
  defineConfig({
    test: {
      include: faultTests,
      exclude: configDefaults.exclude,
      fileParallelism: false,
      testTimeout: 300_000,
    },
  }),
);
