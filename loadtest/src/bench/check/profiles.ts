/** Where to look when a ratio left its band. */
const profiles: Readonly<Record<string, string>> = {
  codec: 'npm run bench:steps -- --no-crawls, rows encode and decode; packages/events/src/event.ts',
  proof: 'npm run bench:steps -- --no-crawls, row readProof and its parts; packages/protocol',
  admission:
    'npm run bench:steps -- --no-crawls, row fold: admission; services/verifier/src/admission',
  charts:
    'npm run bench:steps -- --no-crawls, rows of analytics; services/analytics/src/projection',
  challenges:
    'node --cpu-prof services/standalone/dist/main.js --no-demo under `npm run load`, or the disk: ' +
    'row durable appends of `npm run bench`',
  'challenges-cpu':
    'node --cpu-prof services/standalone/dist/main.js --no-demo under `npm run load`; ' +
    'services/ingress/src/challenge',
  paid:
    'npm run bench:steps: the row that grew; if none did, something waits (timers, groups of the ' +
    'log, wake-ups)',
  'paid-cpu': 'npm run bench:steps: the row that grew, or what no step explains',
};

export function toProfile(name: string): string {
  return profiles[name] ?? 'npm run bench:steps';
}
