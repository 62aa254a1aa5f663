import { devnetAssetBook } from '@paycrawl/analytics/config';
import { measures, moneyMeasures } from '@paycrawl/analytics/projection/totals';
import type { Warehouse } from '@paycrawl/warehouse/warehouse';

/**
 * A month of facts as the roll-ups that the projection would have written, made inside the engine.
 * The facts themselves are not kept: no question about revenue reads them.
 */
export interface FactsOptions {
  readonly facts: number;
  readonly publishers: number;
  note(what: string): void;
}

export const month = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 1, 1) };
export const publisherName = (n: number): string => `pub-${n}`;

/** For people: what `generated` below makes. */
export const spread =
  'publisher 0 has a fifth, the others follow a power law; 12 crawlers, 2 dialects, 2,000 paths ' +
  'each, some asked for more often; 8 payer partitions, 4 of challenges; evenly over January';

const days = 31;
const asset = devnetAssetBook[0]?.id ?? '';
/** What one statement groups: its memory is bounded (the engine takes 1.5 GB at most). */
const factsPerStatement = 1_500_000;
const publishersPerStatement = 20;

const sums = [
  ...measures.map((measure) => `countIf(measure = '${measure}')`),
  ...moneyMeasures.map((measure) => `sumIf(amount, measure = '${measure}')`),
].join(', ');
const totals = [...measures, ...moneyMeasures.map((measure) => `${measure}_amount`)];
const columns = totals.join(', ');
const origin = 'source_topic, source_partition, version';

export async function generateRollups(warehouse: Warehouse, options: FactsOptions): Promise<void> {
  const parts = Math.max(1, Math.ceil(options.facts / days / factsPerStatement));
  for (let day = 0; day < days; day++) {
    if (day % 5 === 0) options.note(`day ${day + 1} of ${days}`);
    for (let part = 0; part < parts; part++)
      await generateDay(warehouse, options, day, part, parts);
  }
  options.note('months');
  for (let from = 0; from < options.publishers; from += publishersPerStatement) {
    await generateMonths(
      warehouse,
      from,
      Math.min(from + publishersPerStatement, options.publishers),
    );
  }
  await supersede(warehouse);
}

async function generateDay(
  warehouse: Warehouse,
  { facts, publishers }: FactsOptions,
  day: number,
  part: number,
  parts: number,
): Promise<void> {
  const start = Math.ceil((day * facts) / days);
  const end = Math.ceil(((day + 1) * facts) / days);
  const from = `(${generated({ facts, publishers, start, end })}) WHERE n % ${parts} = ${part}`;
  const about = `concat('pub-', toString(n)) AS publisher`;
  await warehouse.exec(`
    INSERT INTO rollup_hour (publisher, hour, crawler, dialect, asset, ${origin}, ${columns})
    SELECT ${about}, toStartOfHour(at) AS hour, concat('crawler-', toString(c)), dialect,
      '${asset}', topic, partition, max(number), ${sums}
    FROM ${from} GROUP BY n, hour, c, dialect, topic, partition`);
  await warehouse.exec(`
    INSERT INTO rollup_path_day (publisher, day, path, asset, ${origin}, ${columns})
    SELECT ${about}, toDate(any(at)), ${path}, '${asset}', topic, partition, max(number), ${sums}
    FROM ${from} GROUP BY n, page, topic, partition`);
}

const path = `concat('/docs/section-', toString(page % 40), '/page-', toString(page))`;

/**
 * The nth fact, a matter of its number alone. Challenges of a publisher are in one partition,
 * because it is their key.
 */
function generated(facts: { facts: number; publishers: number; start: number; end: number }) {
  return `
    SELECT number,
      toDateTime('2026-01-01', 'UTC') + intDiv(number * ${days * 86_400}, ${facts.facts}) AS at,
      cityHash64(number, 1) AS h1, cityHash64(number, 2) AS h2, cityHash64(number, 3) AS h3,
      if(h3 % 5 = 0, 0, 1 + toUInt32((${facts.publishers} - 1)
        * pow((intDiv(h3, 5) % 1000000) / 1000000, 3))) AS n,
      ['challenged', 'challenged', 'challenged', 'accepted', 'charged', 'settled', 'accepted',
       'charged', 'settled', 'rejected'][h1 % 10 + 1] AS measure,
      intDiv(h1, 10) % 12 AS c,
      if(measure = 'challenged', '', ['x402-v2-exact', 'x402-v1-exact'][h2 % 2 + 1]) AS dialect,
      toUInt32(intDiv(pow(h2 % 100000, 2), 5000000)) AS page,
      if(measure = 'challenged', 'challenges.1', 'decisions.1') AS topic,
      toUInt32(if(measure = 'challenged', n % 4, intDiv(h1, 1000) % 8)) AS partition,
      1000 + intDiv(h2, 7) % 9000 AS amount
    FROM numbers(${facts.start}, ${facts.end - facts.start})`;
}

/** Out of the days, because a month of all is too much for one statement. */
async function generateMonths(warehouse: Warehouse, from: number, to: number): Promise<void> {
  const names = Array.from({ length: to - from }, (_, i) => `'${publisherName(from + i)}'`);
  await warehouse.exec(`
    INSERT INTO rollup_path_month (publisher, month, path, asset, ${origin}, ${columns})
    SELECT publisher, toStartOfMonth(day) AS month, path, asset, source_topic, source_partition,
      max(version), ${totals.map((name) => `sum(${name})`).join(', ')}
    FROM rollup_path_day WHERE publisher IN (${names.join(', ')})
    GROUP BY publisher, month, path, asset, source_topic, source_partition`);
}

/** The last buckets as they stand while written: newer versions that are not merged yet. */
async function supersede(warehouse: Warehouse): Promise<void> {
  for (const [table, isLast] of [
    ['rollup_hour', `hour >= toDateTime('2026-01-31', 'UTC')`],
    ['rollup_path_day', `day >= toDate('2026-01-31')`],
    ['rollup_path_month', `month >= toDate('2026-01-01')`],
  ]) {
    await warehouse.exec(`
      INSERT INTO ${table} SELECT * REPLACE (version + 1 AS version)
      FROM ${table} WHERE ${isLast}`);
  }
}
