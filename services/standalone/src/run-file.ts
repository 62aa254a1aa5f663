import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What scripts read to find the running platform (`.paycrawl/run.json`). */
export interface RunFile {
  readonly pid: number;
  readonly ingress: string;
  readonly api: string;
  readonly console: string;
  readonly facilitator: string;
  readonly chain: {
    readonly rpc: string;
    readonly network: string;
    readonly asset: string;
    readonly name: string;
    readonly version: string;
  };
  readonly publisher: { readonly id: string; readonly payTo: string; readonly token: string };
  readonly operator: { readonly token: string };
  readonly wallets: readonly { readonly address: string; readonly privateKey: string }[];
}

/** Holds tokens and devnet keys, so only its owner may read it; whole or not at all. */
export async function writeRunFile(path: string, run: RunFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.tmp`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}

export async function removeRunFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
