import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';

/** On what a run was made: figures of two machines are not compared. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly measuredOn: string;
}

export function thisMachine(nowMs: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    measuredOn: new Date(nowMs).toISOString().slice(0, 10),
  };
}

/** For pages and for whoever compares runs; equal figures are equal bytes. */
export function writeFigures(path: string, figures: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
}

export function readFigures<Figures>(path: string | URL): Figures {
  return JSON.parse(readFileSync(path, 'utf8')) as Figures;
}
