import type { AnyEvent } from '@paycrawl/events/event';
import type { OwnedPartition } from '@paycrawl/fold/runtime';
import { followMarginRoundingUp } from '@paycrawl/protocol/margin';
import { type Settings, settings } from './state.js';

export interface WantedSettings {
  readonly marginS: number;
  readonly lossLimit: string;
  readonly waitingProofsMax: number;
}

export interface SettingsWriterOptions {
  /** As configured; its margin is the least one. */
  readonly wanted: WantedSettings;
  readonly marginSMax: number;
  readonly intervalMs: number;
  /** What settlement measured for this partition; 0 before it did. */
  measuredMarginS(): number;
  clock(): number;
  onError(error: unknown): void;
}

/**
 * A setting takes effect by a record in each partition, which its owner writes. This process's
 * configuration is appended where it is not in force, until it was once: processes that disagree
 * settle on the last to start, and what an operator appends stays. From then on the margin follows
 * what settlement measures.
 */
export function writeSettings(owned: OwnedPartition, options: SettingsWriterOptions): () => void {
  const writer = createWriter(owned, options);
  const timer = setInterval(writer, options.intervalMs);
  return () => clearInterval(timer);
}

function createWriter(owned: OwnedPartition, options: SettingsWriterOptions): () => void {
  let target: WantedSettings | undefined;
  let isInForce = false;
  /** Of the last record: until it is folded there is nothing to add. */
  let versionWritten = 0;

  return () => {
    const current = settings(owned.state);
    const marginS = marginOf(options, target?.marginS);
    if (marginS !== target?.marginS) {
      const kept = isInForce ? wantedOf(current) : options.wanted;
      target = { ...kept, marginS };
      isInForce = false;
    }
    isInForce ||= isEqual(target, current);
    if (isInForce || current.version < versionWritten) return;
    const version = current.version + 1;
    versionWritten = version;
    const event = changeOf(owned, target, version, options.clock());
    owned.append([{ key: 'settings', event }]).catch((error: unknown) => {
      versionWritten = 0;
      options.onError(error);
    });
  };
}

function marginOf(options: SettingsWriterOptions, inForceS: number | undefined): number {
  const bounds = { floorS: options.wanted.marginS, ceilingS: options.marginSMax };
  return followMarginRoundingUp(options.measuredMarginS(), inForceS, bounds);
}

function wantedOf({ marginS, lossLimit, waitingProofsMax }: Settings): WantedSettings {
  return { marginS, lossLimit: lossLimit.toString(), waitingProofsMax };
}

function isEqual(wanted: WantedSettings, current: Settings): boolean {
  return (
    wanted.marginS === current.marginS &&
    BigInt(wanted.lossLimit) === current.lossLimit &&
    wanted.waitingProofsMax === current.waitingProofsMax
  );
}

function changeOf(
  { partition }: OwnedPartition,
  { marginS, lossLimit, waitingProofsMax }: WantedSettings,
  version: number,
  timeMs: number,
): AnyEvent {
  return {
    type: 'AdmissionSettingsChanged',
    id: `settings/${partition}/${version}/${timeMs}`,
    source: 'verifier',
    timeMs,
    data: { version, marginS, lossLimit, waitingProofsMax },
  };
}
