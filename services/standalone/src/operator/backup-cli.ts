import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { backup } from './backup.js';
import { manifestFile } from './backup-format.js';
import { runCommand, withLog } from './command.js';

const usage = `usage: npm run backup -- <folder>

Copies the log into an empty folder while the platform runs: every topic in every generation, as
lines of JSON with offset, time, key and value, and a manifest with their hashes. No record is in
it without its cause, and no state without the records that it comes from. The log is that of
EVENT_LOG and KAFKA_BROKERS, or LMDB in DATA_DIR.

NOT in it: secrets (quote keys, signer keys, tokens). Keep them apart. Local stores and ClickHouse
are made again from the log.

exit code 0: done · 1: failed, and the folder has no manifest · 2: called wrongly
`;

await runCommand({
  usage,
  options: {},
  async run({ positionals }) {
    const [folder, ...rest] = positionals;
    if (folder === undefined || rest.length > 0) throw fail('operator_usage', 'into which folder?');
    const { topics, excluded } = await withLog((log) => backup(log, folder, Date.now()));
    const segments = topics.flatMap(({ partitions }) => partitions.flatMap((one) => one.segments));
    const sum = (of: (one: (typeof segments)[number]) => number) =>
      segments.reduce((total, one) => total + of(one), 0);
    const text = await readFile(join(folder, manifestFile));
    return [
      `${sum(({ records }) => records)} records of ${topics.length} topics, ${sum(({ bytes }) => bytes)} bytes in ${segments.length} files`,
      `manifest sha256 ${createHash('sha256').update(text).digest('hex')}`,
      ...excluded.map((what) => `not in it: ${what}`),
    ];
  },
});
