import { exactCost } from './gas.js';
import type { PlanInputs, PlanMeasurements } from './inputs.js';

/** One line of the plan: what, how much, and how it follows from inputs and measurements. */
export interface PlanRow {
  readonly what: string;
  readonly value: string;
  readonly how: string;
}

export interface PlanSection {
  readonly title: string;
  readonly rows: readonly PlanRow[];
}

const secondsPerDay = 86_400;
const recordsPerCrawl = 6;
/** Of a crawl and of its settlement, in the partition that decides. */
const paymentRecordsPerCrawl = 4;

export function planOf(inputs: PlanInputs, measured: PlanMeasurements): PlanSection[] {
  return [
    { title: 'Load', rows: loadRows(inputs) },
    { title: 'Partitions and instances', rows: machineRows(inputs, measured) },
    { title: 'Log and ClickHouse', rows: storageRows(inputs, measured) },
    { title: 'Settling every crawl by itself (`exact`)', rows: exactRows(inputs) },
    { title: 'Settling many crawls at once', rows: batchedRows(inputs) },
  ];
}

function peak(perDay: number, { peakFactor }: PlanInputs): number {
  return (perDay / secondsPerDay) * peakFactor;
}

function loadRows(inputs: PlanInputs): PlanRow[] {
  const { challengesPerDay, crawlsPerDay, peakFactor } = inputs;
  const row = (what: string, perDay: number): PlanRow => ({
    what: `${what} a second, mean and peak`,
    value: `${whole(perDay / secondsPerDay)} · ${whole(peak(perDay, inputs))}`,
    how: `${whole(perDay)} a day; the peak is ${peakFactor} × the mean`,
  });
  return [row('challenges', challengesPerDay), row('paid crawls', crawlsPerDay)];
}

function machineRows(inputs: PlanInputs, measured: PlanMeasurements): PlanRow[] {
  const { challengesPerDay, crawlsPerDay, busyMaxPercent, coresPerInstance, growthFactor } = inputs;
  const busy = busyMaxPercent / 100;
  const crawls = peak(crawlsPerDay, inputs);
  const challenges = peak(challengesPerDay, inputs);
  const { admissionRecordsPerS, crawlCpuUs, challengesPerSPerCore } = measured;
  const partitions = (perS: number, recordsPerEach: number, what: string): PlanRow => {
    const byRate = map(admissionRecordsPerS, (one) => (perS * recordsPerEach) / (one * busy));
    return {
      what,
      value: shown(map(byRate, (needed) => powerOfTwo(needed * growthFactor))),
      how: `${recordsPerEach} records each, ${rate(admissionRecordsPerS)} a partition folds, ${busyMaxPercent} % busy, ${growthFactor} × to grow, a power of two`,
    };
  };
  const forCrawls = map(crawlCpuUs, (us) => (crawls * us) / 1e6 / busy);
  const forChallenges = map(challengesPerSPerCore, (one) => challenges / one / busy);
  const instances = (cores: number | undefined) =>
    map(cores, (some) => Math.ceil(some / coresPerInstance));
  return [
    partitions(crawls, paymentRecordsPerCrawl, 'payer partitions'),
    partitions(challenges, 1, 'publisher partitions'),
    {
      what: 'cores for paid crawls, all services',
      value: `${shown(map(forCrawls, Math.ceil))}, ${shown(instances(forCrawls))} instances`,
      how: `${shown(map(crawlCpuUs, Math.round))} µs a crawl (npm run bench:steps), ${busyMaxPercent} % busy, ${coresPerInstance} cores each`,
    },
    {
      what: 'cores for challenges',
      value: `${shown(map(forChallenges, Math.ceil))}, ${shown(instances(forChallenges))} instances`,
      how: `${rate(challengesPerSPerCore)} a core with its load generator (npm run bench), ${busyMaxPercent} % busy`,
    },
  ];
}

function storageRows(inputs: PlanInputs, measured: PlanMeasurements): PlanRow[] {
  const { challengesPerDay, crawlsPerDay, replicas, challengesKeptDays } = inputs;
  const { crawlBytes, challengeBytes, engineBytesPerCrawl, engineBytesPerChallenge } = measured;
  const { engineRowsPerCrawl, engineRowsPerChallenge } = measured;
  const records = 1 + inputs.settlementRecordsPerCrawl / recordsPerCrawl;
  const forEver = map(crawlBytes, (bytes) => bytes * records * crawlsPerDay * replicas);
  const challenges = map(challengeBytes, (bytes) => bytes * challengesPerDay * replicas);
  const engine = both(engineBytesPerCrawl, engineBytesPerChallenge, (crawl, challenge) => {
    return crawl * crawlsPerDay + challenge * challengesPerDay;
  });
  const rows = both(engineRowsPerCrawl, engineRowsPerChallenge, (crawl, challenge) => {
    return crawl * peak(crawlsPerDay, inputs) + challenge * peak(challengesPerDay, inputs);
  });
  return [
    {
      what: 'log of payments, kept for ever',
      value: `${bytesText(forEver)} a day, ${bytesText(map(forEver, (day) => day * 365))} a year`,
      how: `${shown(crawlBytes)} B for the six records of a crawl, ${inputs.settlementRecordsPerCrawl} more of its settlement as long, ${replicas} replicas, not compressed`,
    },
    {
      what: 'log of challenges',
      value: `${bytesText(map(challenges, (day) => day * challengesKeptDays))} kept`,
      how: `${shown(challengeBytes)} B each, kept ${challengesKeptDays} days, ${replicas} replicas, not compressed`,
    },
    {
      what: 'ClickHouse',
      value: `${bytesText(engine)} a day, ${bytesText(map(engine, (day) => day * 365))} a year, one copy`,
      how: `${shown(engineBytesPerCrawl)} B a crawl, ${shown(engineBytesPerChallenge)} B a challenge, on disk before merges`,
    },
    {
      what: 'rows a second into ClickHouse at the peak',
      value: shown(map(rows, Math.round)),
      how: `${shown(map(engineRowsPerCrawl, Math.round))} a crawl, ${shown(map(engineRowsPerChallenge, Math.round))} a challenge`,
    },
  ];
}

function exactRows(inputs: PlanInputs): PlanRow[] {
  const { crawlsPerDay, settledPerLanePerS, chainGasPerS, priceMicros } = inputs;
  const perS = crawlsPerDay / secondsPerDay;
  const revenue = BigInt(crawlsPerDay) * BigInt(priceMicros);
  const rows = [inputs.gasPerAuthorization, inputs.gasPerAuthorizationGoal].flatMap((gas) => {
    const cost = exactCost(inputs, gas);
    const share = (100 * perS * gas) / chainGasPerS;
    return [
      {
        what: `gas a crawl at ${whole(gas)}`,
        value: `${cost.perCrawl} of ${dollars(BigInt(priceMicros))}: ${cost.percentOfPrice} %`,
        how: `${whole(inputs.weiPerGas)} wei a gas, $${whole(inputs.dollarsPerNative)} (assumptions); nothing is left above ${whole(cost.breakEvenWeiPerGas)} wei a gas`,
      },
      {
        what: `gas a day at ${whole(gas)}`,
        value: `${dollars(cost.perDayMicros)} of ${dollars(revenue)} earned`,
        how: `${share.toFixed(0)} % of all that the chain takes (${whole(chainGasPerS)} gas a second, assumption)`,
      },
    ];
  });
  const lanes = Math.ceil(perS / settledPerLanePerS);
  const how = `${settledPerLanePerS} authorizations a second and lane, over the whole day`;
  return [...rows, { what: 'lanes (signers) at least', value: whole(lanes), how }];
}

function batchedRows(inputs: PlanInputs): PlanRow[] {
  const { payers, claimsPerChannelPerDay, gasPerClaim, crawlsPerDay } = inputs;
  const { invoicesPerPayerPerMonth, gasPerAuthorizationGoal } = inputs;
  const exactGas = crawlsPerDay * gasPerAuthorizationGoal;
  const claims = payers * claimsPerChannelPerDay;
  const invoices = (payers * invoicesPerPayerPerMonth) / 30;
  const row = (what: string, perDay: number, gas: number, how: string): PlanRow => {
    const cost = exactCost({ ...inputs, crawlsPerDay: Math.ceil(perDay) }, gas);
    const times = Math.round(exactGas / (Math.ceil(perDay) * gas));
    return {
      what,
      value: `${dollars(cost.perDayMicros)} gas a day, ${whole(times)} × less than \`exact\``,
      how,
    };
  };
  return [
    row(
      'vouchers: channels claimed',
      claims,
      gasPerClaim,
      `${whole(payers)} channels, ${claimsPerChannelPerDay} claim a day, ${whole(gasPerClaim)} gas each (assumption)`,
    ),
    row(
      'deferred: accounts that pay an invoice',
      invoices,
      inputs.gasPerAuthorization,
      `${whole(payers)} accounts, ${invoicesPerPayerPerMonth} transfer a month`,
    ),
    {
      what: 'at risk between two claims, a payer',
      value: dollars(
        (BigInt(crawlsPerDay) * BigInt(inputs.priceMicros)) / BigInt(Math.max(1, claims)),
      ),
      how: 'what a payer uses until its next claim: escrowed with vouchers, a credit limit without',
    },
  ];
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
}

function map(value: number | undefined, to: (value: number) => number): number | undefined {
  return value === undefined ? undefined : to(value);
}

function both(
  a: number | undefined,
  b: number | undefined,
  to: (a: number, b: number) => number,
): number | undefined {
  return a === undefined || b === undefined ? undefined : to(a, b);
}

function whole(value: number | bigint): string {
  return (typeof value === 'bigint' ? value : Math.round(value)).toLocaleString('en');
}

function shown(value: number | undefined): string {
  return value === undefined ? '(not measured yet)' : whole(value);
}

function rate(value: number | undefined): string {
  return value === undefined ? '(not measured yet)' : `${whole(value)} a second`;
}

function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return '(not measured yet)';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

function dollars(micros: bigint): string {
  const cents = micros / 10_000n;
  if (micros < 1_000_000n) return `$0.${micros.toString().padStart(6, '0')}`;
  return `$${(cents / 100n).toLocaleString('en')}.${(cents % 100n).toString().padStart(2, '0')}`;
}
