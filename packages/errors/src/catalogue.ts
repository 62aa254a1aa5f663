/**
 * Every error code that paycrawl speaks, in one closed list. `status` is the HTTP status when the
 * error reaches a person; `retryable` tells whether the same request may succeed later.
 * docs/errors.md is generated from this list and tested against it.
 */
export interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
  /** What an operator or a client does next. */
  readonly next: string;
}

export const catalogue = {
  // config
  config_invalid: {
    status: 500,
    title: 'The configuration is not valid',
    retryable: false,
    next: 'Correct the named setting and start again.',
  },
  data_dir_in_use: {
    status: 500,
    title: 'The data folder belongs to another process',
    retryable: false,
    next: 'Stop the other process, or start with another DATA_DIR.',
  },
  // console
  console_answer_unexpected: {
    status: 502,
    title: 'The answer has a form that this page does not know',
    retryable: false,
    next: 'Reload the page. If it stays, console and API are of different versions.',
  },
  console_failed: {
    status: 500,
    title: 'This page stopped with a defect of its own',
    retryable: false,
    next: 'Reload the page. If it stays, report the code and the detail.',
  },
  console_unreachable: {
    status: 503,
    title: 'The API does not answer',
    retryable: true,
    next: 'Check your connection; the page asks again by itself.',
  },
  // http
  body_too_large: {
    status: 413,
    title: 'The request body is too large',
    retryable: false,
    next: 'Send a smaller body.',
  },
  media_type_unsupported: {
    status: 415,
    title: 'The content type is not supported',
    retryable: false,
    next: 'Send the content type that the OpenAPI description names.',
  },
  request_invalid: {
    status: 400,
    title: 'The request is not valid',
    retryable: false,
    next: 'Compare the request with the OpenAPI description.',
  },
  route_not_found: {
    status: 404,
    title: 'Nothing is served at this address',
    retryable: false,
    next: 'Check path and method.',
  },
  // internal
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    retryable: true,
    next: 'Look at the log of the service for the same request id.',
  },
  // log
  log_closed: {
    status: 503,
    title: 'The event log is closed',
    retryable: true,
    next: 'The process is stopping; ask another instance.',
  },
  log_overloaded: {
    status: 503,
    title: 'Too many records are waiting to become durable',
    retryable: true,
    next: 'Come back after Retry-After; add instances or partitions if it stays.',
  },
  log_partition_count_fixed: {
    status: 500,
    title: 'A topic exists with another number of partitions',
    retryable: false,
    next: 'Partition counts never change in place: migrate to a new topic generation.',
  },
  log_unavailable: {
    status: 503,
    title: 'The event log cannot be written',
    retryable: true,
    next: 'Check disk space and the log; nothing was answered that is not durable.',
  },
  log_unknown_partition: {
    status: 500,
    title: 'No such topic or partition',
    retryable: false,
    next: 'Create the topics first.',
  },
  // money
  money_asset_mismatch: {
    status: 500,
    title: 'Amounts of two different assets were put together',
    retryable: false,
    next: 'A defect: amounts are only added within one asset.',
  },
  money_atomic_invalid: {
    status: 400,
    title: 'Not a decimal string of atomic units',
    retryable: false,
    next: 'Send digits only: no sign, no leading zero, at most 78 digits.',
  },
  money_negative: {
    status: 500,
    title: 'An amount would become negative',
    retryable: false,
    next: 'A defect: find the posting that takes more than there is.',
  },
  money_price_invalid: {
    status: 400,
    title: 'Not a price that can be read exactly',
    retryable: false,
    next: 'Write prices like "USD 0.001", with at most 6 decimals.',
  },
  // crypto
  crypto_address_invalid: {
    status: 400,
    title: 'Not an address',
    retryable: false,
    next: 'Send 0x and 40 hex digits.',
  },
  crypto_hex_invalid: {
    status: 400,
    title: 'Not a hex string',
    retryable: false,
    next: 'Send 0x and an even number of hex digits.',
  },
  // secret
  secret_unreadable: {
    status: 500,
    title: 'A secret file cannot be used',
    retryable: false,
    next: 'Restore the file, or remove it to have a new secret made where that is possible.',
  },
  // warehouse
  warehouse_locked: {
    status: 503,
    title: 'Another process has the warehouse open',
    retryable: true,
    next: 'Stop the named process; one data folder belongs to one process.',
  },
  warehouse_migration_changed: {
    status: 500,
    title: 'An applied migration was edited',
    retryable: false,
    next: 'Restore the file and write a new migration.',
  },
  warehouse_rejected: {
    status: 500,
    title: 'The warehouse refused a statement',
    retryable: false,
    next: 'Look at the log of analytics for the statement; this is a defect.',
  },
  warehouse_unavailable: {
    status: 503,
    title: 'The warehouse does not answer',
    retryable: true,
    next: 'Check disk, memory and the engine; the log keeps everything meanwhile.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
