import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { openLogImport } from '@paycrawl/event-log/import-log';
import { logSettingsOf } from '@paycrawl/event-log/open-log';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { standaloneConfig } from '../config.js';
import { runCommand } from './command.js';
import { restore } from './restore.js';

const usage = `usage: npm run restore -- <folder>

Writes a backup into an empty log: that of EVENT_LOG and KAFKA_BROKERS, or LMDB in DATA_DIR; also
into the other kind than it was taken from. Every record gets the position and the time that it
had. Nothing of the platform may run meanwhile.

Refused unless there is nothing: no log, stores or warehouse in DATA_DIR, no topics of the platform
in the brokers. A failed restore leaves a part behind: empty the target, and restore again.

exit code 0: done · 1: refused or failed · 2: called wrongly
`;

await runCommand({
  usage,
  options: {},
  async run({ positionals }) {
    const [folder, ...rest] = positionals;
    if (folder === undefined || rest.length > 0) throw fail('operator_usage', 'from which folder?');
    const { dataDir } = standaloneConfig();
    // What these hold comes after the backup, or from another log.
    const left = ['log', 'stores', 'warehouse'].map((name) => join(dataDir, name));
    const found = left.filter((path) => existsSync(path));
    if (found.length > 0) throw fail('restore_not_empty', `there is ${found.join(', ')}`);
    const place = { directory: join(dataDir, 'log'), clientId: 'paycrawl-restore' };
    const target = openLogImport(logSettingsOf(processEnvironment()), place);
    const { manifest, records } = await restore(target, folder);
    return [
      `${records} records of ${manifest.topics.length} topics, as they were at ${manifest.takenAt}`,
      'next: put the secrets in their place, start, and run npm run audit before letting traffic in',
    ];
  },
});
