import type { AnyEvent } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import { settings } from './state.js';

export interface WantedSettings {
  readonly marginS: number;
  readonly lossLimit: string;
  readonly waitingProofsMax: number;
}

export interface SettingsWriterOptions {
  readonly wanted: WantedSettings;
  readonly intervalMs: number;
  clock(): number;
  onError(error: unknown): void;
}

/** Checks after the state was found to agree: it may still be folding what came before. */
const agreedChecks = 5;

/**
 * A setting takes effect by a record in each partition: this process's configuration is appended
 * where it is not in force, until it was once. Processes that disagree settle on the last to start.
 */
export function writeSettings(owned: OwnedPartition, options: SettingsWriterOptions): () => void {
  let agreed = 0;
  let isAppending = false;
  const check = (): void => {
    const current = settings(owned.state);
    if (isEqual(options.wanted, current)) {
      agreed += 1;
      if (agreed >= agreedChecks) clearInterval(timer);
      return;
    }
    if (isAppending || agreed > 0) return;
    isAppending = true;
    const event = changeOf(owned, options, current.version + 1);
    owned
      .append([{ key: 'settings', event }])
      .catch(options.onError)
      .finally(() => {
        isAppending = false;
      });
  };
  const timer = setInterval(check, options.intervalMs);
  return () => clearInterval(timer);
}

function isEqual(wanted: WantedSettings, current: ReturnType<typeof settings>): boolean {
  return (
    wanted.marginS === current.marginS &&
    BigInt(wanted.lossLimit) === current.lossLimit &&
    wanted.waitingProofsMax === current.waitingProofsMax
  );
}

function changeOf(
  { partition }: OwnedPartition,
  { wanted, clock }: SettingsWriterOptions,
  version: number,
): AnyEvent {
  const { marginS, lossLimit, waitingProofsMax } = wanted;
  const timeMs = clock();
  return {
    type: 'AdmissionSettingsChanged',
    id: `settings/${partition}/${version}/${timeMs}`,
    source: 'verifier',
    timeMs,
    data: { version, marginS, lossLimit, waitingProofsMax },
  };
}
