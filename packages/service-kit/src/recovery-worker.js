// A thread that recovers signers. JavaScript, because a worker thread starts from a file that Node
// can run, in the sources (tests) as well as in the build.
import { parentPort } from 'node:worker_threads';
import { recoverAddress } from '@paycrawl/crypto/recover';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const digestBytes = 32;
const questionBytes = 97;

port.on('message', (/** @type {Uint8Array} */ questions) => {
  /** @type {string[]} An address, or why there is none. */
  const answers = [];
  for (let start = 0; start < questions.length; start += questionBytes) {
    const digest = questions.subarray(start, start + digestBytes);
    const signature = questions.subarray(start + digestBytes, start + questionBytes);
    const recovery = recoverAddress(digest, signature);
    answers.push(recovery.outcome === 'recovered' ? recovery.address : recovery.reason);
  }
  port.postMessage(answers);
});
port.postMessage('ready');
