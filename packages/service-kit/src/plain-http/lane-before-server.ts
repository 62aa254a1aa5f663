import type { Server } from 'node:http';
import { createPlainLane, type PlainLane, type PlainLaneOptions } from './plain-lane.js';

export type LaneOptions = Omit<PlainLaneOptions, 'handOver'>;

/** Connections of the server begin in a lane; it reads those that are handed over, and no others. */
export function putLaneBefore(server: Server, options: LaneOptions): PlainLane {
  const [readStrictly] = server.listeners('connection');
  server.removeAllListeners('connection');
  const handOver: PlainLaneOptions['handOver'] = (socket) =>
    void readStrictly?.call(server, socket);
  const lane = createPlainLane({ ...options, handOver });
  server.on('connection', lane.take);
  return lane;
}

const idleCheckMs = 50;

/** Closes both: what was begun is answered, connections end as soon as they are idle. */
export async function closeWithLane(
  server: Server,
  lane: PlainLane,
  closeServer: () => Promise<void>,
): Promise<void> {
  const endIdle = (): void => {
    server.closeIdleConnections();
    lane.closeIdle();
  };
  const idle = setInterval(endIdle, idleCheckMs);
  lane.drain();
  try {
    const closed = closeServer();
    endIdle();
    await closed;
  } finally {
    clearInterval(idle);
    lane.close();
  }
}
