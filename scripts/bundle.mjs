/**
 * Bundles the main program of each service, over what `tsc` emitted for it, into one file: of the
 * time until a process that died works again, resolving and reading 1,500 modules was most.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** They load binaries that lie beside their own files. */
const native = ['chdb', 'lmdb', 'secp256k1', 'tiny-secp256k1'];
const chunks = 'bundled';

// A thread is a program of its own.
const recovery = {
  'recovery-worker': join(root, 'packages/service-kit/src/recovery-worker.js'),
};
const entries = {
  ingress: recovery,
  verifier: recovery,
  metering: {},
  settlement: {},
  analytics: { 'chdb-worker': join(root, 'packages/warehouse/src/chdb-worker.js') },
};

await Promise.all(
  Object.entries(entries).map(([service, others]) => bundleService(service, others)),
);
await bundleRefoldThread();

async function bundleService(service, others) {
  const directory = join(root, 'services', service);
  for (const name of readdirSync(join(directory, 'dist'))) {
    if (name.startsWith(`${chunks}-`)) rmSync(join(directory, 'dist', name));
  }
  await bundle({ main: join(directory, 'src/main.ts'), ...others }, join(directory, 'dist'));
}

/** By itself, so that the main program stays one file: a rebuild starts one for each core. */
async function bundleRefoldThread() {
  const rebuild = join(root, 'services/analytics/src/rebuild');
  const directory = join(root, 'services/analytics/dist/rebuild');
  await bundle({ 'refold-worker': join(rebuild, 'refold-worker.ts') }, directory);
}

async function bundle(input, directory) {
  const build = await rolldown({
    input,
    platform: 'node',
    external: native,
    // Packages of this repository are read from their sources: `tsc` has checked them.
    resolve: { conditionNames: ['source', 'node', 'import', 'default'] },
    logLevel: 'warn',
  });
  await build.write({
    dir: directory,
    chunkFileNames: `${chunks}-[name]-[hash].js`,
  });
  await build.close();
}
