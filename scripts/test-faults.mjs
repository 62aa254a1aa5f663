/** `npm run test:faults [-- --all] [-- --only <word>] [-- <options of vitest>]` */
import { spawnSync } from 'node:child_process';

const words = process.argv.slice(2);
const rest = [];
const env = { ...process.env };
for (let word = words.shift(); word !== undefined; word = words.shift()) {
  if (word === '--all') env.FAULT_ALL = 'true';
  else if (word === '--only') env.FAULT_ONLY = words.shift() ?? '';
  else rest.push(word);
}
const run = ['vitest', 'run', '--config', 'vitest.faults.config.ts', ...rest];
const { status } = spawnSync('npx', ['--no-install', ...run], { stdio: 'inherit', env });
process.exit(status ?? 1);
