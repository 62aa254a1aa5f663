-- What analytics projects from the log. Rules of every table:
-- * Partition and order keys come from fields that never change (log time, log position, ids
--   frozen in the fold's state), so that a row written twice replaces itself.
-- * Facts are keyed by their cause: the log position of the event that they tell of.
-- * Roll-ups are absolute totals of one source partition; the version is the input offset.
--   Readers take the newest version and sum over source partitions.
-- * Totals in roll-ups stay below 2^100 (the fold refuses more), so sums of 128 bits never wrap.
-- * Amounts are integers in atomic units (uint256 on chain); assets are CAIP-19 ids.
-- * Every insert is synced: the fold records its position as done right after it.

-- Where the events of one crawl or one batch stand in the log; their data is read from there.
CREATE TABLE IF NOT EXISTS event_index (
  subject String,
  at DateTime64(3, 'UTC'),
  type LowCardinality(String),
  log_topic LowCardinality(String),
  log_partition UInt32,
  log_offset UInt64
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (subject, log_topic, log_partition, log_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row for each event that counts: challenged, refused, rejected, accepted, charged, released,
-- lost, settled, uncollectible. The roll-ups are sums of these.
CREATE TABLE IF NOT EXISTS facts (
  publisher LowCardinality(String),
  at DateTime64(3, 'UTC'),
  measure LowCardinality(String),
  crawler LowCardinality(String),
  dialect LowCardinality(String),
  path String,
  asset LowCardinality(String),
  amount UInt256,
  subject String,
  code LowCardinality(String),
  log_topic LowCardinality(String),
  log_partition UInt32,
  log_offset UInt64
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (publisher, at, log_topic, log_partition, log_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row for each crawl in its newest state; `at` is when it was first seen.
CREATE TABLE IF NOT EXISTS crawls (
  publisher LowCardinality(String),
  at DateTime64(3, 'UTC'),
  id String,
  version UInt64,
  method LowCardinality(String),
  host LowCardinality(String),
  path String,
  crawler LowCardinality(String),
  payer String,
  dialect LowCardinality(String),
  status LowCardinality(String),
  code LowCardinality(String),
  asset LowCardinality(String),
  amount UInt256,
  challenge_id String,
  charge_id String,
  batch_id String,
  transaction String,
  INDEX id_bloom id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (publisher, at, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS rollup_hour (
  publisher LowCardinality(String),
  hour DateTime('UTC'),
  crawler LowCardinality(String),
  dialect LowCardinality(String),
  asset LowCardinality(String),
  source_topic LowCardinality(String),
  source_partition UInt32,
  version UInt64,
  challenged UInt64,
  refused UInt64,
  rejected UInt64,
  accepted UInt64,
  charged UInt64,
  released UInt64,
  lost UInt64,
  settled UInt64,
  uncollectible UInt64,
  charged_amount UInt128,
  lost_amount UInt128,
  settled_amount UInt128,
  uncollectible_amount UInt128
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (publisher, hour, crawler, dialect, asset, source_topic, source_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The widest roll-up: a month of one publisher is read in one go, so its columns are narrow.
CREATE TABLE IF NOT EXISTS rollup_path_day (
  publisher LowCardinality(String),
  day Date,
  path LowCardinality(String),
  asset LowCardinality(String),
  source_topic LowCardinality(String),
  source_partition UInt32,
  version UInt64,
  challenged UInt32,
  refused UInt32,
  rejected UInt32,
  accepted UInt32,
  charged UInt32,
  released UInt32,
  lost UInt32,
  settled UInt32,
  uncollectible UInt32,
  charged_amount UInt128,
  lost_amount UInt128,
  settled_amount UInt128,
  uncollectible_amount UInt128
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (publisher, day, path, asset, source_topic, source_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Every entry of every ledger transaction, as metering posted it.
CREATE TABLE IF NOT EXISTS ledger_entries (
  publisher LowCardinality(String),
  at DateTime64(3, 'UTC'),
  moment LowCardinality(String),
  charge_id String,
  asset LowCardinality(String),
  account String,
  side LowCardinality(String),
  amount UInt256,
  log_topic LowCardinality(String),
  log_partition UInt32,
  log_offset UInt64,
  entry UInt16
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (publisher, at, log_topic, log_partition, log_offset, entry)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Absolute sums of entries since ever; `account` is the name in the chart, without its owner.
CREATE TABLE IF NOT EXISTS ledger_totals (
  publisher LowCardinality(String),
  moment LowCardinality(String),
  account LowCardinality(String),
  asset LowCardinality(String),
  source_topic LowCardinality(String),
  source_partition UInt32,
  version UInt64,
  posted_at DateTime64(3, 'UTC'),
  entries UInt64,
  debits UInt256,
  credits UInt256
) ENGINE = ReplacingMergeTree(version)
ORDER BY (publisher, moment, account, asset, source_topic, source_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What the folds counted since ever, from their own state and not from rows of this warehouse:
-- the side of the log in reconciliation.
CREATE TABLE IF NOT EXISTS log_totals (
  measure LowCardinality(String),
  asset LowCardinality(String),
  source_topic LowCardinality(String),
  source_partition UInt32,
  version UInt64,
  events UInt64,
  amount UInt256
) ENGINE = ReplacingMergeTree(version)
ORDER BY (measure, asset, source_topic, source_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS batches (
  sealed_at DateTime64(3, 'UTC'),
  id String,
  version UInt64,
  log_partition UInt32,
  status LowCardinality(String),
  submitted_at Nullable(DateTime64(3, 'UTC')),
  confirmed_at Nullable(DateTime64(3, 'UTC')),
  asset LowCardinality(String),
  amount UInt256,
  charges UInt32,
  attempts UInt32,
  transaction String,
  block UInt64,
  gas_asset LowCardinality(String),
  gas_cost UInt256,
  INDEX id_bloom id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY (sealed_at, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row for each charge in each batch that took it in flight.
CREATE TABLE IF NOT EXISTS batch_charges (
  publisher LowCardinality(String),
  batch_at DateTime64(3, 'UTC'),
  batch_id String,
  charge_id String,
  version UInt64,
  payer String,
  asset LowCardinality(String),
  amount UInt256,
  outcome LowCardinality(String),
  code LowCardinality(String),
  transaction String,
  block UInt64,
  INDEX batch_bloom batch_id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
ORDER BY (publisher, batch_at, batch_id, charge_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What the receipt of a settlement transaction says that it moved to publishers.
CREATE TABLE IF NOT EXISTS chain_transfers (
  transaction String,
  asset LowCardinality(String),
  checked_at DateTime64(3, 'UTC'),
  block UInt64,
  transfers UInt32,
  amount UInt256
) ENGINE = ReplacingMergeTree(checked_at)
ORDER BY (transaction, asset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
