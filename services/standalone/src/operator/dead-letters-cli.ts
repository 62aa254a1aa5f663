import { userInfo } from 'node:os';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { type Called, runCommand, withLog } from './command.js';
import {
  attemptOf,
  type DeadLetter,
  findDeadLetter,
  listDeadLetters,
  positionOf,
  redrive,
  type Selection,
} from './dead-letters.js';

const usage = `usage: npm run dead-letters -- list [--topic <t>] [--code <c>] [--since <time>]
       npm run dead-letters -- show <position>
       npm run dead-letters -- re-drive <position> [--reason <text>]
       npm run dead-letters -- re-drive --all --code <c> [--topic <t>] [--since <time>]

Records that a consumer could not use, with their bytes and position; their partitions went on.

  list      one line each: position, when, code, who set it aside, whether it was driven again
  show      the bytes as text and hex, and what this version makes of them
  re-drive  appends the very bytes to the partition where they stood, if this version reads them;
            each record once, and written down in the log

  <position>       topic/partition/offset, as list prints it: payments.1/3/127
  --since <time>   ISO 8601, or how long ago: 90s, 15m, 24h, 7d
  --operator <id>  who drives it again; default: the user of this machine

exit code 0: done · 1: refused, for at least one record · 2: called wrongly
`;

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const bytesPerLine = 16;
const bytesShownMax = 4_096;

await runCommand({
  usage,
  options: {
    ...{ topic: 'string', code: 'string', since: 'string', all: 'boolean' },
    ...{ reason: 'string', operator: 'string' },
  },
  run: (called) => withLog((log) => run(log, called)),
});

async function run(log: EventLog, called: Called): Promise<readonly string[]> {
  const [verb, position, ...rest] = called.positionals;
  if (rest.length > 0) throw fail('operator_usage', `what is ${rest.join(' ')}?`);
  if (verb === 'list') {
    const found = await listDeadLetters(log, selectionOf(called));
    return [...found.map(lineOf), `${found.length} dead letters`];
  }
  if (verb === 'show' && position !== undefined) {
    return describe(await findDeadLetter(log, position));
  }
  if (verb !== 're-drive') throw fail('operator_usage', 'list, show or re-drive?');
  const isAll = called.isSet('all') && called.option('code') !== undefined;
  if (isAll === (position !== undefined)) {
    throw fail('operator_usage', 'one position, or --all with --code');
  }
  return redriveAll(log, called, position);
}

function selectionOf(called: Called): Selection {
  const since = called.option('since');
  return {
    ...{ topic: called.option('topic'), code: called.option('code') },
    sinceMs: since === undefined ? undefined : timeOf(since),
  };
}

function timeOf(text: string): number {
  const [, count, unit] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) {
    return Date.now() - Number.parseInt(count, 10) * unitsMs[unit as keyof typeof unitsMs];
  }
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw fail('operator_usage', `${text} is no time`);
  return atMs;
}

async function redriveAll(
  log: EventLog,
  called: Called,
  position: string | undefined,
): Promise<readonly string[]> {
  const redriving = {
    operator: called.option('operator') ?? userInfo().username,
    reason: called.option('reason') ?? 'by the operator',
    nowMs: Date.now(),
  };
  if (position !== undefined) {
    return [`${position} stands at ${(await redrive(log, position, redriving)).newOffset} again`];
  }
  const open = await listDeadLetters(log, selectionOf(called));
  const lines: string[] = [];
  for (const one of open.filter(({ newOffset }) => newOffset === undefined).map(positionOf)) {
    try {
      lines.push(`${one} stands at ${(await redrive(log, one, redriving)).newOffset} again`);
    } catch (error) {
      if (!(error instanceof PaycrawlError) || error.retryable) throw error;
      process.exitCode = 1;
      lines.push(`${one} not: ${error.message}`);
    }
  }
  return [...lines, `${lines.length} looked at`];
}

function lineOf(letter: DeadLetter): string {
  const { code, consumers, atMs, newOffset } = letter;
  const again = newOffset === undefined ? '' : `  again at ${newOffset}`;
  return `${positionOf(letter)}  ${new Date(atMs).toISOString()}  ${code}  ${consumers.join(',')}${again}`;
}

function describe(letter: DeadLetter): readonly string[] {
  const { code, detail, key, value, newOffset } = letter;
  const decoded = attemptOf(letter);
  const verdict =
    decoded.kind === 'event'
      ? [`now        read: ${decoded.event.type} of ${decoded.event.source}`]
      : [`now        ${decoded.kind}: ${decoded.detail}`];
  const hex: string[] = [];
  for (let at = 0; at < Math.min(value.length, bytesShownMax); at += bytesPerLine) {
    const line = value.subarray(at, at + bytesPerLine);
    const text = line.toString('latin1').replaceAll(/[^ -~]/g, '.');
    const bytes = line
      .toString('hex')
      .replaceAll(/(..)/g, '$1 ')
      .padEnd(bytesPerLine * 3);
    hex.push(`${at.toString(16).padStart(8, '0')}  ${bytes} ${text}`);
  }
  return [
    ...[lineOf(letter), `code       ${code}: ${detail}`, `key        ${key}`],
    ...[...verdict, `bytes      ${value.length}`, ...hex],
    ...(value.length > bytesShownMax ? [`… ${value.length - bytesShownMax} more bytes`] : []),
    ...(newOffset === undefined ? [] : [`again      at offset ${newOffset}`]),
    ...(decoded.kind === 'event' ? [JSON.stringify(decoded.event, null, 2)] : []),
  ];
}
