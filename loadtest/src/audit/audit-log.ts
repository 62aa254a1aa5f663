import type { LogRecord } from '@paycrawl/event-log/event-log';
import type { DeadLetterEvent } from '@paycrawl/events/event';
import { physicalTopic } from '@paycrawl/events/topics';
import { type Admissions, auditAdmissions, finishAdmissions, newAdmissions } from './admissions.js';
import { auditBooks, type Balances, type Books, checkBalances } from './books.js';
import { type ChargeStory, noSums, type Sums } from './charges.js';
import { auditDues, checkBatches, collectBatches, type Sealed } from './dues.js';
import { type Finding, type Report, reporter } from './finding.js';
import { auditGas } from './gas.js';
import { checkGaps, type Output, readHistory, type Seen } from './history.js';

/** The records of one partition number, each list in log order from offset 0. */
export interface PartitionRecords {
  readonly generation: number;
  readonly partition: number;
  /** There are several generations: what happens to a payer goes on in another partition. */
  readonly isGrown: boolean;
  readonly payments: readonly LogRecord[];
  readonly decisions: readonly LogRecord[];
  readonly ledger: readonly LogRecord[];
  readonly charges: readonly LogRecord[];
  readonly settlements: readonly LogRecord[];
  /**
   * What each fold has certainly finished with: outputs of records before it are all in the log.
   * Later records are not judged, so that a running platform can be audited.
   */
  readonly done: Done;
}

export interface Done {
  readonly payments: number;
  readonly decisions: number;
  readonly charges: number;
}

export interface Audit {
  readonly findings: readonly Finding[];
  readonly stories: ReadonlyMap<string, ChargeStory>;
  readonly balances: Balances;
  readonly sums: ReadonlyMap<string, Sums>;
  readonly counts: Counts;
}

export interface Counts {
  records: number;
  /** Accepted, and neither charged nor released yet; their holds have not ended. */
  openHolds: number;
  charged: number;
  settled: number;
  uncollectible: number;
  /** Charged, and on its way. */
  unsettled: number;
  losses: number;
  deadLetters: number;
  /** Not judged yet, because a fold has not finished with them. */
  unfolded: number;
}

const noCounts: Counts = {
  records: 0,
  openHolds: 0,
  charged: 0,
  settled: 0,
  uncollectible: 0,
  unsettled: 0,
  losses: 0,
  deadLetters: 0,
  unfolded: 0,
};

/** Proves the books of a log from its records alone. One partition at a time, then the whole. */
export async function auditLog(
  partitions: AsyncIterable<PartitionRecords> | Iterable<PartitionRecords>,
  deadLetters: readonly LogRecord[],
): Promise<Audit> {
  const findings: Finding[] = [];
  const report = reporter(findings);
  const known = deadLettersOf(deadLetters, report);
  const audit = {
    findings,
    stories: new Map<string, ChargeStory>(),
    balances: new Map() as Balances,
    sums: new Map<string, Sums>(),
    counts: { ...noCounts, deadLetters: known.setAside },
  };
  const nonces = new Map<string, string>();
  let grown: Scope | undefined;
  for await (const records of partitions) {
    if (records.isGrown) {
      grown ??= newScope(nonces);
      auditPartition(records, known, grown, audit, report);
    } else {
      // Nothing of it goes on elsewhere: one partition at a time is remembered.
      const scope = newScope(nonces);
      auditPartition(records, known, scope, audit, report);
      closeScope(scope, audit, report);
    }
  }
  if (grown !== undefined) closeScope(grown, audit, report);
  return audit;
}

/** What stories are told of: one partition, or all of them in all their generations. */
interface Scope {
  readonly admissions: Admissions;
  readonly sealed: Sealed;
  readonly balances: Balances;
  readonly standing: Books['standing'];
  /** The newest fee of each generation, with which the next one begins. */
  readonly fees: Map<number, Pick<Books, 'feeBps' | 'feeVersion'>>;
}

function newScope(nonces: Map<string, string>): Scope {
  return {
    ...{ admissions: newAdmissions(nonces), sealed: new Map(), balances: new Map() },
    ...{ standing: new Map(), fees: new Map() },
  };
}

function closeScope(scope: Scope, whole: Whole, report: Report): void {
  const { admissions, sealed, balances } = scope;
  finishAdmissions(admissions, report);
  checkBatches(sealed, admissions.stories, report);
  checkBalances(balances, report);
  addTo(whole, admissions.stories, admissions.sums, balances);
}

interface DeadLetters {
  readonly setAside: number;
  /** `topic/partition/offset` of what nobody can read; a readable one still has consequences. */
  readonly unreadable: ReadonlySet<string>;
  readonly outputs: readonly Output[];
}

/** Many folds write dead letters into one partition: their causes have no common order. */
function deadLettersOf(records: readonly LogRecord[], report: Report): DeadLetters {
  const seen = new Map<string, Seen>();
  const places = new Set<string>();
  const unreadable = new Set<string>();
  // Bytes among them that are none are where they would be put.
  for (const one of records.flatMap((record) => readHistory([record], report, 0))) {
    const event = one.event as DeadLetterEvent;
    if (event.type !== 'RecordDeadLettered') continue;
    const { id, data } = event;
    seen.set(`${one.source}: ${id}`, one);
    const place = `${data.topic}/${data.partition}/${data.offset}`;
    places.add(place);
    if (data.code === 'record_unreadable') unreadable.add(place);
  }
  return { setAside: places.size, unreadable, outputs: [...seen.values()] };
}

/** Other folds (projections) number outputs that are not in the log. */
const foldsAudited = new Set(['verifier', 'metering', 'settlement']);

interface Whole extends Audit {
  readonly balances: Balances;
  readonly stories: Map<string, ChargeStory>;
  readonly sums: Map<string, Sums>;
}

function auditPartition(
  records: PartitionRecords,
  deadLetters: DeadLetters,
  scope: Scope,
  whole: Whole,
  report: Report,
): void {
  const { done } = records;
  const { admissions } = scope;
  const seen = readTopics(records, deadLetters, report);
  checkGaps(outputsOf(seen, records, deadLetters), report);

  const payments = seen.payments.filter(({ offset }) => offset < done.payments);
  const decided = seen.decisions.filter((one) => isCausedBefore(one, done.payments));
  auditAdmissions(payments, decided, admissions, report);
  const decisions = seen.decisions.filter(({ offset }) => offset < done.decisions);
  const ledger = seen.ledger.filter((one) => isCausedBefore(one, done.decisions));
  auditLedger(records, { decisions, ledger }, scope, report);
  const charges = seen.charges.filter((one) => isCausedBefore(one, done.decisions));
  auditDues({ decisions, charges }, report);
  collectBatches(seen.settlements, scope.sealed);
  auditGas({ decisions, charges: seen.charges }, admissions.stories, report);

  const { counts } = whole;
  counts.records += topicsRead.reduce((sum, topic) => sum + records[topic].length, 0);
  counts.unfolded += unfoldedIn(seen.payments, done.payments);
  counts.unfolded += unfoldedIn(seen.decisions, done.decisions);
}

/** While a fold has a timer its clock ticks on: a tick that waits is no story that does. */
function unfoldedIn(seen: readonly Seen[], done: number): number {
  return seen.filter((one) => one.offset >= done && one.event.type !== 'TimePassed').length;
}

function auditLedger(
  { generation }: PartitionRecords,
  { decisions, ledger }: { readonly decisions: readonly Seen[]; readonly ledger: readonly Seen[] },
  { fees, standing, balances }: Scope,
  report: Report,
): void {
  const begun = fees.get(generation - 1) ?? { feeBps: 0, feeVersion: 0 };
  const books: Books = { standing, ...begun };
  for (const [account, balance] of auditBooks(decisions, ledger, books, report)) {
    balances.set(account, (balances.get(account) ?? 0n) + balance);
  }
  const { feeBps, feeVersion } = books;
  if (feeVersion >= (fees.get(generation)?.feeVersion ?? 0)) {
    fees.set(generation, { feeBps, feeVersion });
  }
}

const topicsRead = ['payments', 'decisions', 'ledger', 'charges', 'settlements'] as const;
type Topics = Readonly<Record<(typeof topicsRead)[number], Seen[]>>;

function readTopics(
  records: PartitionRecords,
  { unreadable }: DeadLetters,
  report: Report,
): Topics {
  const { done } = records;
  const read = (topic: keyof Topics, judgedBefore?: number): Seen[] => {
    const prefix = `${physicalTopic(topic, records.generation)}/${records.partition}/`;
    const kept = records[topic].filter(({ offset }) => !unreadable.has(`${prefix}${offset}`));
    return readHistory(kept, report, judgedBefore);
  };
  return {
    payments: read('payments', done.payments),
    decisions: read('decisions', done.decisions),
    ledger: read('ledger'),
    charges: read('charges', done.charges),
    settlements: read('settlements'),
  };
}

/** Outputs of records that their fold has finished with. */
function* outputsOf(
  seen: Topics,
  { generation, partition, done }: PartitionRecords,
  deadLetters: DeadLetters,
): Generator<Output> {
  const doneBefore = new Map<string, number>([
    [physicalTopic('payments', generation), done.payments],
    [physicalTopic('decisions', generation), done.decisions],
    [physicalTopic('charges', generation), done.charges],
  ]);
  for (const outputs of [...topicsRead.map((topic) => seen[topic]), deadLetters.outputs]) {
    for (const output of outputs) {
      const { source, cause } = output;
      if (cause === undefined || cause[1] !== partition || !foldsAudited.has(source)) continue;
      if (cause[2] < (doneBefore.get(cause[0]) ?? 0)) yield output;
    }
  }
}

function isCausedBefore({ cause }: Seen, offset: number): boolean {
  return cause === undefined || cause[2] < offset;
}

function addTo(
  whole: Whole,
  stories: ReadonlyMap<string, ChargeStory>,
  sums: ReadonlyMap<string, Sums>,
  balances: Balances,
): void {
  for (const [account, balance] of balances) {
    whole.balances.set(account, (whole.balances.get(account) ?? 0n) + balance);
  }
  for (const [asset, { authorized, held, charged, settled }] of sums) {
    const sum = whole.sums.get(asset) ?? noSums();
    sum.authorized += authorized;
    sum.held += held;
    sum.charged += charged;
    sum.settled += settled;
    whole.sums.set(asset, sum);
  }
  for (const story of stories.values()) {
    whole.stories.set(story.chargeId, story);
    countStory(whole.counts, story);
  }
}

function countStory(counts: Counts, { hold, charge, lost }: ChargeStory): void {
  if (hold !== undefined) counts.openHolds += 1;
  if (lost) counts.losses += 1;
  if (charge === undefined) return;
  counts.charged += 1;
  if (charge.at === 'settled') counts.settled += 1;
  else if (charge.at === 'uncollectible') counts.uncollectible += 1;
  else counts.unsettled += 1;
}
