import { fail } from '@paycrawl/errors/paycrawl-error';
import { readTimer } from '@paycrawl/fold/timers';
import { type Admission, closedKey, type Settings } from './state.js';

export type Entry = readonly [key: string, value: unknown];

/** Where an entry goes: by its payer, into every partition once, or nowhere. */
export type Carried =
  | { readonly to: 'payer'; readonly payer: string; readonly entry: Entry }
  | { readonly to: 'everywhere'; readonly entry: Entry; readonly version: number }
  | undefined;

/**
 * One entry of admission on its way into a new generation (ADR 0007). `admissionOf` finds the
 * proofs of the same partition, for timers that wake them.
 */
export function carryAdmission(
  [key, value]: Entry,
  admissionOf: (key: string) => Admission | undefined,
): Carried {
  const timer = readTimer(key);
  if (timer !== undefined) return carryTimer([key, value], timer.key, admissionOf);
  const [prefix = '', second = ''] = key.split('/', 2);
  switch (prefix) {
    case 's':
      return { to: 'everywhere', entry: [key, value], version: (value as Settings).version };
    // A frozen publisher is frozen everywhere.
    case 'F':
      return { to: 'everywhere', entry: [key, value], version: 0 };
    case 'n':
      return { to: 'payer', payer: (value as Admission).proof.payer, entry: [key, value] };
    case 'o': {
      const admission = admissionOf(`n/${second}`);
      return admission && { to: 'payer', payer: admission.proof.payer, entry: [key, value] };
    }
    case 'p':
    case 'i':
    case 'w':
    case 'f':
    case 'k':
      return { to: 'payer', payer: second, entry: [key, value] };
    case 'kr':
      return { to: 'payer', payer: second, entry: [keptBefore(key), value] };
    case closedKey:
    // What was applied from the old topics, and the seed that this state began with.
    case '~a':
    case '~g':
      return undefined;
    default:
      throw fail('migration_state_unknown', `verifier: ${key}`);
  }
}

function carryTimer(
  entry: Entry,
  wakes: string,
  admissionOf: (key: string) => Admission | undefined,
): Carried {
  const [prefix, payer = ''] = wakes.split('/', 2);
  if (prefix === 'p') return { to: 'payer', payer, entry };
  if (prefix !== 'n') throw fail('migration_state_unknown', `verifier: timer of ${wakes}`);
  const admission = admissionOf(wakes);
  // The proof is forgotten: its timer would wake nothing.
  return admission && { to: 'payer', payer: admission.proof.payer, entry };
}

const seedOffset = '0'.repeat(16);

/** Records kept while parked: in their order, before any offset of the new generation. */
function keptBefore(key: string): string {
  const slash = key.lastIndexOf('/') + 1;
  return `${key.slice(0, slash)}${seedOffset}.${key.slice(slash)}`;
}
