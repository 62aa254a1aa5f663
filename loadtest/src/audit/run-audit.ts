import { readFileSync } from 'node:fs';
import { openChain } from '@paycrawl/chain/chain-client';
import type { EventLog } from '@paycrawl/event-log/event-log';
import { physicalTopic } from '@paycrawl/events/topics';
import { type Audit, auditLog, type Counts } from './audit-log.js';
import { auditChain, type ChainAudit } from './charges-on-chain.js';
import { countOf, type Finding } from './finding.js';
import { momentOf, readAll, readPartitions } from './read-log.js';
import { auditReconciliation } from './reconciliation.js';

export interface AuditOptions {
  openLog(): EventLog;
  /** Where the platform says where it runs. */
  readonly runFile: string;
  /** Asked where the platform does not run; without any, the chain is not asked. */
  readonly rpcUrl: string | undefined;
  readonly reconciliation: { readonly attempts: number; readonly pauseMs: number };
  write(line: string): void;
}

/** The part of the run file that an audit needs. */
interface Running {
  readonly pid: number;
  readonly api: string;
  readonly chain: { readonly rpc: string };
  readonly publisher: { readonly payTo: string };
  readonly operator: { readonly token: string };
}

const findingsShownMax = 200;

/** Audits the log, then the chain and the platform as far as they can be reached. */
export async function runAudit(
  options: AuditOptions,
): Promise<{ readonly findings: readonly Finding[]; readonly counts: Counts }> {
  const { write } = options;
  const audit = await auditWholeLog(options.openLog());
  const findings = [...audit.findings];
  describeLog(audit, write);
  const running = runningPlatform(options.runFile);
  const rpcUrl = options.rpcUrl ?? running?.chain.rpc;
  if (rpcUrl === undefined) write('chain: not asked (no running platform, no --rpc)');
  else findings.push(...(await askChain(audit, rpcUrl, running, write)));
  if (running === undefined) write('reconciliation: not asked (the platform does not run)');
  else {
    const { api, operator } = running;
    const asked = { api, token: operator.token, ...options.reconciliation };
    const { findings: found, checks } = await auditReconciliation(asked);
    findings.push(...found);
    write(`reconciliation: ${checks} checks, ${found.length} not equal`);
  }
  conclude(findings, write);
  return { findings, counts: audit.counts };
}

const letters = { topic: physicalTopic('dead-letters'), partition: 0 };

/** The log may grow meanwhile: what is audited is the log as it was at the beginning. */
async function auditWholeLog(log: EventLog): Promise<Audit> {
  try {
    const moment = await momentOf(log);
    const deadLetters = await readAll(log, moment, letters);
    return await auditLog(readPartitions(log, moment), deadLetters);
  } finally {
    await log.close();
  }
}

/** The run file, if the process that wrote it lives. */
function runningPlatform(runFile: string): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(runFile, 'utf8')) as Running;
    process.kill(running.pid, 0);
    return running;
  } catch {
    return undefined;
  }
}

async function askChain(
  { stories }: Audit,
  rpcUrl: string,
  running: Running | undefined,
  write: (line: string) => void,
): Promise<readonly Finding[]> {
  const keepers = new Set(running === undefined ? [] : [running.publisher.payTo.toLowerCase()]);
  const networks = new Set([...stories.values()].map(({ network }) => network));
  const findings: Finding[] = [];
  for (const network of networks) {
    const chainId = Number.parseInt(network.slice(network.indexOf(':') + 1), 10);
    const asked = await auditChain(openChain({ rpcUrl, chainId }), stories.values(), { keepers });
    findings.push(...asked.findings);
    describeChain(network, asked, write);
  }
  return findings;
}

function describeLog({ counts, sums }: Audit, write: (line: string) => void): void {
  write(
    `log: ${counts.records} records; ${counts.charged} charged, ${counts.settled} settled, ` +
      `${counts.unsettled} on their way, ${counts.uncollectible} uncollectible, ` +
      `${counts.losses} lost, ${counts.openHolds} held, ${counts.deadLetters} dead letters, ` +
      `${counts.unfolded} not folded yet`,
  );
  for (const [asset, { authorized, held, charged, settled }] of sums) {
    write(
      `${asset}: authorized ${authorized}, held ${held}, charged ${charged}, settled ${settled}`,
    );
  }
}

function describeChain(
  network: string,
  { payees, findings }: ChainAudit,
  write: (line: string) => void,
): void {
  write(`chain ${network}: ${payees.length} payees, ${findings.length} differences`);
  for (const { payTo, settled, balance } of payees) {
    write(`  ${payTo}: paid ${settled}, holds ${balance}`);
  }
}

function conclude(findings: readonly Finding[], write: (line: string) => void): void {
  for (const { rule, id, detail } of findings.slice(0, findingsShownMax)) {
    write(`  ${rule}: ${id}: ${detail}`);
  }
  const more = findings.length - findingsShownMax;
  if (more > 0) write(`  and ${more} more`);
  const differences = countOf(findings, 'difference');
  const rest = differences === 0 ? '' : `, differences ${differences}`;
  write(`loss ${countOf(findings, 'loss')}, duplicates ${countOf(findings, 'duplicate')}${rest}`);
}
