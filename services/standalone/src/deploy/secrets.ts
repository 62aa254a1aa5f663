import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type EmbeddedTokens, ensureTokens } from '@paycrawl/analytics/access/tokens';
import { quoteKeysFile, readQuoteKeys } from '@paycrawl/ingress/challenge/quote-keys';
import { randomSecret, readOrCreateSecret } from '@paycrawl/service-kit/secrets';
import { loadSigners } from '@paycrawl/settlement/signers';
import { demoPublisherId } from '../demo-publisher.js';

export interface SecretsOptions {
  /** Holds one folder for each service; in containers each is a volume of its own. */
  readonly directory: string;
  readonly partitions: number;
  readonly clickhouseUser: string;
}

/** What people sign in with, and who signs settlements: for the operator, and for nobody else. */
export interface OperatorSecrets {
  readonly tokens: EmbeddedTokens;
  /** Addresses only: their keys stay with settlement. */
  readonly signers: readonly string[];
}

const ownerOnly = 0o600;
/** It holds no secret, and the server reads it as another user. */
const everybodyReads = 0o644;

/**
 * Makes what is missing and leaves what is there, so it may run before every start. Each service
 * gets a folder with its own secrets, because none should be able to read another's.
 */
export async function makeSecrets(options: SecretsOptions): Promise<OperatorSecrets> {
  const { directory, partitions, clickhouseUser } = options;
  const of = (service: string, file = '') => join(directory, service, file);
  await readQuoteKeys(of('ingress', quoteKeysFile));
  const signers = (await loadSigners(of('settlement'), partitions)).map(({ address }) => address);
  await mkdir(of('verifier'), { recursive: true, mode: 0o700 });
  const tokens = await ensureTokens(of('operator'), [demoPublisherId]);
  const operator: OperatorSecrets = { tokens, signers };
  await replaceFile(of('operator', operatorFile), `${JSON.stringify(operator)}\n`, ownerOnly);
  // Hashes only: whoever reads the files of the API can sign in nowhere.
  const hashes = await readFile(of('operator', 'tokens.json'), 'utf8');
  await replaceFile(of('analytics', 'tokens.json'), hashes, ownerOnly);
  const password = await readOrCreateSecret(of('analytics', 'clickhouse-password'), randomSecret);
  const users = clickhouseUsers(clickhouseUser, password);
  await replaceFile(of('clickhouse', 'paycrawl.xml'), users, everybodyReads);
  return operator;
}

const operatorFile = 'access.json';

/** `directory`: the operator's own. */
export async function readOperatorSecrets(directory: string): Promise<OperatorSecrets> {
  const text = await readFile(join(directory, operatorFile), 'utf8');
  return JSON.parse(text) as OperatorSecrets;
}

/** The hash of 256 random bits tells nothing about them. */
function clickhouseUsers(user: string, password: string): string {
  const hash = createHash('sha256').update(password).digest('hex');
  return `<!-- Made by the job "secrets" of docker-compose.yml. -->
<clickhouse>
  <users>
    <default remove="remove"/>
    <${user}>
      <password_sha256_hex>${hash}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </${user}>
  </users>
</clickhouse>
`;
}

/** Whole or not at all, whoever reads at the same time. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', mode);
  try {
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
