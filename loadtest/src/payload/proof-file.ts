import { truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { derivePayers, type PayerSeed } from './payers.js';
import { type Offered, type Payer, type ProofTerms, proofSigner } from './sign-proofs.js';

/**
 * A file of signed proofs: one header value a line, each with a nonce of its own, payers in turn,
 * so that the first lines are the first proofs of all of them. Lines are of one length: every
 * worker writes its own part in place and nothing passes through one thread.
 */
export interface ProofFile {
  readonly path: string;
  readonly count: number;
  readonly offered: Offered;
  readonly terms: ProofTerms;
  readonly payers: PayerSeed | readonly Payer[];
  readonly workers?: number;
}

/** What one worker signs. */
export interface SigningPart extends Pick<ProofFile, 'path' | 'offered' | 'terms' | 'payers'> {
  readonly from: number;
  readonly to: number;
  readonly lineBytes: number;
}

const countMax = 10_000_000;
/** The built program, also when this file is run from its source by the test runner. */
const worker = fileURLToPath(new URL('../../dist/payload/sign-worker.js', import.meta.url));

export async function writeProofFile(file: ProofFile): Promise<void> {
  const { path, count, offered, terms, payers } = file;
  if (count < 1 || count > countMax) throw fail('config_invalid', `1 to ${countMax} proofs`);
  const sample = proofSigner(offered, terms)(payersOf(payers, 1)[0] as Payer);
  const lineBytes = sample.length + 1;
  writeFileSync(path, '', { mode: 0o600 });
  truncateSync(path, count * lineBytes);
  const workers = Math.min(file.workers ?? availableParallelism(), Math.ceil(count / 1000));
  const share = Math.ceil(count / workers);
  const parts = Array.from({ length: workers }, (_, index) => {
    const from = Math.min(index * share, count);
    const to = Math.min(from + share, count);
    return sign({ path, offered, terms, payers, lineBytes, from, to });
  });
  await Promise.all(parts);
}

export function payersOf(payers: ProofFile['payers'], countMost?: number): readonly Payer[] {
  if (!('seed' in payers)) return payers;
  return derivePayers({ ...payers, count: Math.min(countMost ?? payers.count, payers.count) });
}

function sign(part: SigningPart): Promise<void> {
  return new Promise((resolve, reject) => {
    // The test runner's own flags are not for a built program.
    const thread = new Worker(worker, { workerData: part, execArgv: [] });
    thread.once('error', (cause) =>
      reject(fail('bench_failed', 'proofs were not signed', { cause })),
    );
    thread.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(fail('bench_failed', `a signing thread ended with ${code}`));
    });
  });
}
