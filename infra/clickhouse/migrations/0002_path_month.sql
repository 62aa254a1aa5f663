-- Paths by calendar month: a month of paths is read from a few thousand rows instead of those of
-- every day. The same totals as rollup_path_day; `month` is its first day, UTC.
CREATE TABLE IF NOT EXISTS rollup_path_month (
  publisher LowCardinality(String),
  month Date,
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
PARTITION BY toYYYYMM(month)
ORDER BY (publisher, month, path, asset, source_topic, source_partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The first month that rollup_path_month tells in full; what came before is read from the days.
-- An empty warehouse: every month. One that was projected into: the folds have forgotten the days
-- of the month that runs, and where they stand nobody here knows, so it is the first month that
-- begins a day or more after both this and the newest row: no release without the table folds any
-- of it. No backfill: only its fold can go on with a total. Written once, when the table is made;
-- a crash in between leaves it empty, and then every month is read from the days.
CREATE TABLE IF NOT EXISTS path_months_begin (month Date)
ENGINE = MergeTree ORDER BY month
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
AS SELECT if(
  count() = 0,
  toDate('1970-01-01'),
  toStartOfMonth(addMonths(greatest(today(), max(day)) + 1, 1))
) AS month
FROM rollup_path_day;
