import { parseArgs } from 'node:util';
import { explained, fail } from '@paycrawl/errors/paycrawl-error';
import { processEnvironment } from '@paycrawl/service-kit/config';
import { wholeNumber } from './command-line.js';
import { fundPayers, loadTargetOf } from './k6/load-target.js';
import { askOffer } from './payload/offered-page.js';
import { writeProofFile } from './payload/proof-file.js';

const usage = `usage: npm run proofs -- --count <n> --out <file> [options]

Signs proofs for a priced page, one header value a line, payers in turn, and funds the payers where
the chain is a devnet. Version 2 (PAYMENT-SIGNATURE) lasts as long as the quote, five minutes;
version 1 (X-PAYMENT) as long as --valid says.

  --url <url>        the page; default one of the platform of .paycrawl/run.json
  --payers <n>       default 10000      --seed <text>     default paycrawl
  --wallets <file>   JSON [{"address", "privateKey"}] instead of a seed
  --v1               version 1          --valid <s>       of version 1; default 3600
  --workers <n>      signing threads; default one for each core
`;

const userAgent = 'GPTBot/1.3';

try {
  const { values } = parseArgs({
    options: {
      count: { type: 'string' },
      out: { type: 'string' },
      url: { type: 'string' },
      payers: { type: 'string', default: '10000' },
      seed: { type: 'string', default: 'paycrawl' },
      wallets: { type: 'string' },
      v1: { type: 'boolean', default: false },
      valid: { type: 'string', default: '3600' },
      workers: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.count === undefined || values.out === undefined) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 2;
  } else {
    const { count, out, workers } = values;
    await sign({ ...values, count, out, workers });
  }
} catch (error) {
  process.stderr.write(`no proofs: ${explained(error)}\n`);
  process.exitCode = 2;
}

interface Asked {
  readonly count: string;
  readonly out: string;
  readonly url?: string | undefined;
  readonly payers: string;
  readonly seed: string;
  readonly wallets?: string | undefined;
  readonly v1: boolean;
  readonly valid: string;
  readonly workers: string | undefined;
}

async function sign(asked: Asked): Promise<void> {
  const { url, seed, wallets } = asked;
  const runFile = processEnvironment().RUN_FILE ?? '.paycrawl/run.json';
  const payers = wholeNumber('payers', asked.payers);
  const target = loadTargetOf({ url, seed, wallets, runFile, payers });
  await fundPayers(target);
  const { offered, v1Network } = await askOffer(target.url, userAgent);
  if (asked.v1 && v1Network === undefined) {
    throw fail('config_invalid', 'version 1 is not offered for this page');
  }
  const windowS = asked.v1
    ? wholeNumber('valid', asked.valid)
    : (offered.accepts[0]?.maxTimeoutSeconds ?? 0);
  const validBeforeS = Math.floor(Date.now() / 1000) + windowS;
  const count = wholeNumber('count', asked.count);
  const startedMs = performance.now();
  await writeProofFile({
    path: asked.out,
    count,
    offered,
    terms: { validBeforeS, v1Network: asked.v1 ? v1Network : undefined },
    payers: target.payers,
    ...(asked.workers === undefined ? {} : { workers: wholeNumber('workers', asked.workers) }),
  });
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(
    `${count} proofs for ${target.url} in ${seconds.toFixed(1)} s ` +
      `(${Math.round(count / seconds)}/s), good for ${windowS} s: ${asked.out}\n`,
  );
}
