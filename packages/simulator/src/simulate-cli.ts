import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { catchAll, pageOf } from './mistake-table.js';
import { isMistake, type Mistake, mistakeNames } from './mistakes/mistakes.js';
import { reportOf, seedMax, simulate } from './simulate.js';

const usage = `usage: npm run simulate -- [options]

Runs the whole loop under a seeded scheduler; one seed is one exact history.

  --seeds <n>        histories to run, from a fresh seed; default 1000
  --from <seed>      the first seed instead of a fresh one
  --seed <seed>      this one history, with its whole journal
  --mistake <name>   with a mistake planted: ${mistakeNames.join(', ')}
  --mistakes         every mistake, until it is found; writes docs/simulator.md
  --go-on            does not end at the first seed that fails

exit code 0: nothing was found · 1: something was · 2: it could not run
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    mistake: { type: 'string' },
    mistakes: { type: 'boolean' },
    'go-on': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

/** Captured before histories replace the clocks of this process. */
const clock = performance.now.bind(performance);
const page = join(fileURLToPath(import.meta.url), '../../../../docs/simulator.md');

if (values.help === true) process.stdout.write(usage);
else if (values.mistakes === true) await writeTable();
else if (values.seed !== undefined) await tellOne(numberOf(values.seed), mistakeOf(values.mistake));
else await runMany(numberOf(values.seeds ?? '1000'), mistakeOf(values.mistake));

async function tellOne(seed: number, mistake: Mistake | undefined): Promise<void> {
  const history = await simulate(seed, mistake);
  const whole = reportOf(history, mistake, Number.MAX_SAFE_INTEGER);
  process.stdout.write(`${whole}\n${history.findings.length === 0 ? 'nothing found\n' : ''}`);
  process.exitCode = history.findings.length === 0 ? 0 : 1;
}

async function runMany(count: number, mistake: Mistake | undefined): Promise<void> {
  const first = values.from === undefined ? freshSeed() : numberOf(values.from);
  const startedMs = clock();
  let [failed, saidMs, records] = [0, startedMs, 0];
  process.stdout.write(`seeds ${first} to ${first + count - 1}\n`);
  for (let done = 1; done <= count; done++) {
    const history = await simulate(first + done - 1, mistake);
    records += history.records;
    if (history.findings.length > 0) {
      failed += 1;
      process.stdout.write(`${reportOf(history, mistake)}\n`);
      if (values['go-on'] !== true) break;
    }
    if (clock() - saidMs < 5_000 && done < count) continue;
    saidMs = clock();
    const perSecond = ((done * 1_000) / (saidMs - startedMs)).toFixed(1);
    process.stdout.write(
      `${done} seeds, ${records} records, ${perSecond} seeds/s, ${failed} failed\n`,
    );
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

async function writeTable(): Promise<void> {
  const all = await catchAll(1, numberOf(values.seeds ?? '2000'), (caught) => {
    const { mistake, seed, checks, tried } = caught;
    const found = seed === undefined ? 'NOT FOUND' : `seed ${seed}: ${checks.join(', ')}`;
    process.stdout.write(`${mistake.padEnd(26)} ${found} (${tried} tried)\n`);
  });
  writeFileSync(page, pageOf(all));
  process.exitCode = all.every(({ seed }) => seed !== undefined) ? 0 : 1;
}

function freshSeed(): number {
  return Math.floor(Math.random() * seedMax);
}

function numberOf(text: string): number {
  const number = Number.parseInt(text, 10);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw fail('config_invalid', `${text} is no number of seeds and no seed`);
}

function mistakeOf(name: string | undefined): Mistake | undefined {
  if (name === undefined || isMistake(name)) return name;
  throw fail('config_invalid', `no mistake is called ${name}`);
}
