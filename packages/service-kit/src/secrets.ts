import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';

const ownerOnly = 0o600;

export interface SecretOptions {
  /** False where secrets are mounted: several machines share them, so none may make one up. */
  readonly mayCreate?: boolean;
}

/**
 * Reads a secret from its file, or makes it once. Two processes that start together agree: the
 * file is written whole beside its place and linked into it, and a link does not overwrite.
 */
export async function readOrCreateSecret(
  path: string,
  create: () => string,
  { mayCreate = true }: SecretOptions = {},
): Promise<string> {
  const present = await readSecret(path);
  if (present !== undefined) return present;
  if (!mayCreate) throw fail('secret_unreadable', 'A mounted secret is missing.', context(path));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeDurably(temporary, create());
    await link(temporary, path).catch(ignoreExisting);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(dirname(path));
  const written = await readSecret(path);
  if (written === undefined) throw fail('secret_unreadable', 'A secret file vanished.');
  return written;
}

/** 32 random bytes as hex: quote keys and tokens. */
export function randomSecret(): string {
  return randomBytes(32).toString('hex');
}

async function readSecret(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (text === '') throw fail('secret_unreadable', 'A secret file is empty.', context(path));
    const { mode } = await stat(path);
    // A copied data folder may have lost the mode; tighten it again.
    if ((mode & 0o077) !== 0) await chmod(path, ownerOnly).catch(ignoreForeign);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', ownerOnly);
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A mounted secret belongs to whoever mounted it, who also says who may read it. */
function ignoreForeign(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EROFS' && error.code !== 'EPERM') throw error;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function context(path: string): { context: { path: string } } {
  return { context: { path } };
}
