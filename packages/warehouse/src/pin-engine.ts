import { createRequire } from 'node:module';
import { constants } from 'node:os';

/** glibc and macOS: the library stays mapped for the life of the process, whoever closes it. */
const noDelete = process.platform === 'darwin' ? 0x80 : 0x1000;

let isPinned = false;

/**
 * Keeps the engine's library in memory. When the last thread that loaded a native addon ends, Node
 * unloads it; the engine's own threads still run in it then, and the process dies (SIGSEGV).
 */
export function pinEngine(): void {
  if (isPinned) return;
  isPinned = true;
  const requireFromChdb = createRequire(createRequire(import.meta.url).resolve('chdb'));
  const name = `@chdb/lib-${process.platform}-${process.arch}`;
  for (const packageName of [name, `${name}-gnu`]) {
    const addon = resolved(requireFromChdb, `${packageName}/chdb_node.node`);
    if (addon === undefined) continue;
    process.dlopen({ exports: {} }, addon, constants.dlopen.RTLD_LAZY | noDelete);
  }
}

/** Undefined: not the package of this platform; chdb itself tells what it misses. */
function resolved(require: NodeJS.Require, path: string): string | undefined {
  try {
    return require.resolve(path);
  } catch {
    return undefined;
  }
}
