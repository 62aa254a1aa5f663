import { parentPort, workerData } from 'node:worker_threads';
import { type ReplayPart, replayPass } from './replay.js';

// One partition of `benchReplayOnAllCores`: a pass for each message, answered with its events.

const pass = replayPass(workerData as ReplayPart);
parentPort?.on('message', async () => {
  const { events } = await pass();
  parentPort?.postMessage(events);
});
parentPort?.postMessage('ready');
