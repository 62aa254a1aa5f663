import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';

const run = promisify(execFile);

/** Who may come in through the listener with TLS and a login (SASL_SSL). */
export interface KafkaUsers {
  readonly plain: Readonly<Record<string, string>>;
  /** Known for SCRAM-SHA-256 and for SCRAM-SHA-512. */
  readonly scram: Readonly<Record<string, string>>;
}

export interface Authority {
  readonly caFile: string;
  /** Key and certificate of a server on this machine, one after the other. */
  readonly serverFile: string;
}

const subject = '/O=paycrawl tests/CN=';
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of its own, and a certificate for 127.0.0.1 and localhost signed by it. */
export async function makeAuthority(directory: string): Promise<Authority> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(directory, name);
  const openssl = (arguments_: readonly string[]) =>
    run('openssl', [...arguments_], { cwd: directory }).catch((cause: unknown) => {
      throw fail('kafka_failed', 'No certificate can be made: openssl is needed.', { cause });
    });
  const authority = ['-subj', `${subject}authority`, '-days', '2', '-out', 'ca.pem'];
  await openssl(['req', '-x509', ...newKey, ...authority, '-keyout', 'ca.key']);
  const server = ['-subj', `${subject}broker`, '-out', 'server.csr', '-keyout', 'server.key'];
  await openssl(['req', ...newKey, ...server]);
  await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  await openssl([
    ...['x509', '-req', '-in', 'server.csr', '-out', 'server.crt', '-days', '2'],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names'],
  ]);
  const [key, certificate] = await Promise.all([
    readFile(at('server.key'), 'utf8'),
    readFile(at('server.crt'), 'utf8'),
  ]);
  await writeFile(at('server.pem'), key + certificate, { mode: 0o600 });
  return { caFile: at('ca.pem'), serverFile: at('server.pem') };
}

/** The settings of the listener called SECURED. */
export function securedProperties({ serverFile }: Authority, { plain }: KafkaUsers): string[] {
  const module = 'org.apache.kafka.common.security';
  const users = Object.entries(plain).map(([name, password]) => `user_${name}="${password}"`);
  const scram = `${module}.scram.ScramLoginModule required;`;
  const of = 'listener.name.secured';
  return [
    `${of}.ssl.keystore.type=PEM`,
    `${of}.ssl.keystore.location=${serverFile}`,
    `${of}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512`,
    `${of}.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required ${users.join(' ')};`,
    `${of}.scram-sha-256.sasl.jaas.config=${scram}`,
    `${of}.scram-sha-512.sasl.jaas.config=${scram}`,
  ];
}

/** Users of SCRAM stand in the metadata: they are made when the storage is formatted. */
export function scramArguments({ scram }: KafkaUsers): string[] {
  return Object.entries(scram).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
}
