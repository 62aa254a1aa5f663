import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { signerAddress } from '@paycrawl/chain/transaction';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { readOrCreateSecret, type SecretOptions } from '@paycrawl/service-kit/secrets';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Hex } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import type { Signer } from './batches/driver-context.js';

const SignersFile = Type.Object({
  signers: Type.Array(Type.Object({ privateKey: Type.String({ pattern: '^0x[0-9a-f]{64}$' }) }), {
    minItems: 1,
  }),
});

/**
 * One signer per partition, in the order of partitions: a nonce lane belongs to one partition.
 * Embedded, the keys are made at the first start; distributed, the file is mounted.
 */
export async function loadSigners(
  secretsDirectory: string,
  partitions: number,
  options: SecretOptions = {},
): Promise<readonly Signer[]> {
  const path = join(secretsDirectory, 'signers.json');
  const text = await readOrCreateSecret(path, () => makeSigners(partitions), options);
  const signers = parseSigners(text);
  if (signers.length >= partitions) return signers.slice(0, partitions);
  throw fail('settlement_signer_unknown', 'signers.json has fewer keys than there are partitions.');
}

function makeSigners(partitions: number): string {
  const signers = Array.from({ length: partitions }, () => ({ privateKey: generatePrivateKey() }));
  return JSON.stringify({ signers });
}

/** More keys behind those that there are, for partitions of a new generation; written whole. */
export async function growSigners(secretsDirectory: string, partitions: number): Promise<void> {
  const path = join(secretsDirectory, 'signers.json');
  const known = parseSigners(await readOrCreateSecret(path, () => makeSigners(partitions)));
  if (known.length >= partitions) return;
  const signers = known.map(({ privateKey }) => ({ privateKey }));
  while (signers.length < partitions) signers.push({ privateKey: generatePrivateKey() });
  const temporary = `${path}.growing`;
  await rm(temporary, { force: true });
  await readOrCreateSecret(temporary, () => JSON.stringify({ signers }));
  await rename(temporary, path);
}

/** Nothing of the text goes into the error: it holds keys. */
function parseSigners(text: string): readonly Signer[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw fail('secret_unreadable', 'signers.json is not JSON.');
  }
  if (!Value.Check(SignersFile, parsed)) {
    throw fail('secret_unreadable', 'signers.json does not hold signer keys.');
  }
  return parsed.signers.map(({ privateKey }) => ({
    address: signerAddress(privateKey as Hex),
    privateKey: privateKey as Hex,
  }));
}
