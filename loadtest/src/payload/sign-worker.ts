import { closeSync, openSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { payersOf, type SigningPart } from './proof-file.js';
import { type Payer, proofSigner } from './sign-proofs.js';

// A thread of `writeProofFile`: signs its lines and writes them where they belong.

const linesAtOnce = 500;

const part = workerData as SigningPart;
const payers = payersOf(part.payers);
const sign = proofSigner(part.offered, part.terms);
const fd = openSync(part.path, 'r+');
try {
  for (let from = part.from; from < part.to; from += linesAtOnce) {
    writeLines(from, Math.min(from + linesAtOnce, part.to));
  }
} finally {
  closeSync(fd);
}

function writeLines(from: number, to: number): void {
  const { lineBytes } = part;
  let text = '';
  for (let line = from; line < to; line++) {
    text += `${sign(payers[line % payers.length] as Payer)}\n`;
  }
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length !== (to - from) * lineBytes) throw fail('bench_failed', 'lines differ');
  writeSync(fd, bytes, 0, bytes.length, from * lineBytes);
}
