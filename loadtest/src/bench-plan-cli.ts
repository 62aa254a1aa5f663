import { parseArgs } from 'node:util';
import { fail } from '@paycrawl/errors/paycrawl-error';
import Table from 'cli-table3';
import { type PlanInputs, planInputs } from './plan/inputs.js';
import { keptFigures, measurementsOf } from './plan/measurements.js';
import { planOf } from './plan/plan.js';

// Arithmetic alone: inputs of plan/inputs.ts and the figures that were kept in loadtest/figures.

const names = Object.keys(planInputs) as (keyof PlanInputs)[];
const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
const { values } = parseArgs({ options });
const given = Object.entries(values).map(([name, text]) => [name, wholeOf(name, String(text))]);
const inputs: PlanInputs = { ...planInputs, ...Object.fromEntries(given) };
for (const { title, rows } of planOf(inputs, measurementsOf(keptFigures()))) {
  const table = new Table({ head: [title, '', 'how'], style: { head: [] } });
  for (const { what, value, how } of rows) table.push([what, value, how]);
  process.stdout.write(`${table.toString()}\n`);
}

function wholeOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw fail('config_invalid', `--${name}: ${text}`);
  return value;
}
