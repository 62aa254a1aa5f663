import { fail } from '@paycrawl/errors/paycrawl-error';
import { type AnyEvent, decodeEvent, encodeEvent } from '@paycrawl/events/event';
import type { LogRecord } from '../event-log.js';
import { isRefusal } from '../refusal.js';
import { createLocalWakeups, type OpenWakeups } from '../wakeups.js';
import { createCluster } from './cluster.js';
import { type KafkaLogOptions, kafkaSettings } from './settings.js';
import { createWakeupListener, type WakeupListener } from './wakeup-listener.js';
import { createWakeupSender } from './wakeup-sender.js';
import { createSweeper, wakeupTopic } from './wakeup-topics.js';

export interface KafkaWakeupsOptions extends KafkaLogOptions {
  /** A listener's sign of life in its own topic. */
  readonly wakeupHeartbeatMs?: number;
  /** A topic without one for so long has no listener; many heartbeats. */
  readonly wakeupStaleAfterMs?: number;
  readonly wakeupSweepMs?: number;
}

/** Shorter than those of the log: who has waited longer has read the log itself. */
const soon = { connectTimeoutMs: 1_000, requestTimeoutMs: 2_000, questionTimeoutMs: 5_000 };

/**
 * Wake-ups through a topic for each listener (docs/adr/0006-wakeups.md). Connections of its own, so
 * that no append ever stands before a wake-up. Listeners in this very process are told directly.
 */
export function createKafkaWakeups(options: KafkaWakeupsOptions): OpenWakeups {
  const { wakeupHeartbeatMs: heartbeatMs = 30_000, wakeupStaleAfterMs = 300_000 } = options;
  const cluster = createCluster(kafkaSettings({ ...soon, ...options }));
  const sender = createWakeupSender(cluster, { nowMs: () => performance.now() });
  const local = createLocalWakeups();
  const listeners = new Map<string, WakeupListener>();
  const closings = new Set<Promise<void>>();
  const own = new Set<string>();
  const sweeper = createSweeper(cluster, {
    ...{ own, staleAfterMs: wakeupStaleAfterMs, nowMs: Date.now },
  });
  const sweep = (): void => {
    if (own.size > 0) void sweeper.sweep().catch(() => undefined);
  };
  const sweeping = setInterval(sweep, options.wakeupSweepMs ?? 300_000);
  sweeping.unref();
  return {
    publish(ingressId, events) {
      if (listeners.has(ingressId)) local.publish(ingressId, events);
      else sender.send(wakeupTopic(ingressId), events.map(encodeEvent));
    },
    subscribe(ingressId, onEvents) {
      const topic = wakeupTopic(ingressId);
      const leave = local.subscribe(ingressId, onEvents);
      const listener = createWakeupListener(cluster, {
        ...{ topic, heartbeatMs },
        onRecords: (records) => local.publish(ingressId, eventsOf(records)),
      });
      listeners.set(ingressId, listener);
      own.add(topic);
      return () => {
        leave();
        listeners.delete(ingressId);
        const closing = listener.close().finally(() => closings.delete(closing));
        closings.add(closing);
      };
    },
    assertListening() {
      for (const listener of listeners.values()) {
        if (listener.isListening()) continue;
        const trouble = listener.trouble();
        // Of the whole log, and worth its own words.
        if (isRefusal(trouble)) throw trouble;
        throw fail('log_unavailable', 'Wake-ups are not heard yet.', { cause: trouble });
      }
    },
    dropped: sender.dropped,
    async close() {
      clearInterval(sweeping);
      for (const listener of listeners.values()) closings.add(listener.close());
      listeners.clear();
      await Promise.all(closings);
      sender.close();
      cluster.close();
    },
  };
}

function eventsOf(records: readonly LogRecord[]): AnyEvent[] {
  const events: AnyEvent[] = [];
  for (const { value } of records) {
    // A sign of life, or from a newer release: whoever waits for it reads the log.
    const decoded = value.length === 0 ? undefined : decodeEvent(value);
    if (decoded?.kind === 'event') events.push(decoded.event);
  }
  return events;
}
