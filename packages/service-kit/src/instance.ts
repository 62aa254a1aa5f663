import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fail, hasCode } from '@paycrawl/errors/paycrawl-error';
import { openDataDir } from './data-dir.js';

/** One running instance of a service: its name, and its own folder. */
export interface Instance {
  /** Differs from every other instance that runs now. */
  readonly id: string;
  /** Of this instance alone while it runs; found again by the next one that may have it. */
  readonly directory: string;
  release(): void;
}

export interface InstanceOptions {
  readonly dataDir: string;
  readonly service: string;
  /** `INSTANCE_ID`; without it the first folder that no living process holds is taken. */
  readonly instanceId?: string | undefined;
}

const slotsMax = 256;

/**
 * Claims the folder of an instance that keeps state: with a name, `<service>/<name>`; without,
 * `<service>/0`, `/1` and so on, so that a service that starts again finds its stores, and a second
 * one on the same machine takes the next. A folder is held by pid and start time: the lock of a
 * killed process is nobody's.
 */
export function claimInstance({ dataDir, service, instanceId }: InstanceOptions): Instance {
  const parent = join(dataDir, service);
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  if (instanceId !== undefined) {
    const directory = join(parent, instanceId);
    return { id: instanceId, directory, release: openDataDir(directory).release };
  }
  for (let slot = 0; slot < slotsMax; slot += 1) {
    const directory = join(parent, String(slot));
    try {
      const { release } = openDataDir(directory);
      return { id: `${hostname()}-${slot}`, directory, release };
    } catch (error) {
      if (!hasCode(error, 'data_dir_in_use')) throw error;
    }
  }
  throw fail('data_dir_in_use', `${slotsMax} instances of ${service} run in one data folder.`);
}

/** A name for an instance that keeps nothing on disk. */
export function statelessInstanceId(instanceId: string | undefined): string {
  return instanceId ?? `${hostname()}-${process.pid}`;
}
