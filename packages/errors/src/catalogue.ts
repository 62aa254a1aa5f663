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
  // admission (the verifier's decisions)
  admission_books_broken: {
    status: 500,
    title: 'The obligations of a payer would become negative',
    retryable: false,
    next: 'A defect: the payer is parked; compare its records with the audit, fix, release it.',
  },
  delivery_in_progress: {
    status: 503,
    title: 'The same proof is being delivered right now',
    retryable: true,
    next: 'Present the same proof again after Retry-After.',
  },
  funds_unknown: {
    status: 503,
    title: 'The balance of the payer could not be read in time',
    retryable: true,
    next: 'Present the same proof again after Retry-After.',
  },
  insufficient_funds: {
    status: 402,
    title: 'The payer has not enough funds',
    retryable: false,
    next: 'Fund the account, then pay again.',
  },
  lease_unknown: {
    status: 500,
    title: 'An outcome names a lease that was never given out',
    retryable: false,
    next: 'A defect of the ingress: look at it in dead-letters; nothing was posted.',
  },
  needs_account_check: {
    status: 503,
    title: 'The payer is an account with code and must be asked itself',
    retryable: true,
    next: 'Present the same proof again: the account will be asked.',
  },
  nonce_already_used: {
    status: 402,
    title: 'The authorization was used before',
    retryable: false,
    next: 'Sign a new authorization.',
  },
  nonce_forgotten: {
    status: 500,
    title: 'An outcome came after its authorization was forgotten',
    retryable: false,
    next: 'Look at it in dead-letters; nothing was posted.',
  },
  payer_frozen: {
    status: 403,
    title: 'The payer is frozen',
    retryable: false,
    next: 'Ask the operator of the platform.',
  },
  payer_loss_limit: {
    status: 403,
    title: 'The payer has unpaid deliveries above its limit',
    retryable: false,
    next: 'Settle the losses with the operator of the platform.',
  },
  payer_parked: {
    status: 503,
    title: 'The payer is parked until a fault is repaired',
    retryable: true,
    next: 'Operators: see the runbook on parked payers. Payers: come back later.',
  },
  payment_expired: {
    status: 402,
    title: 'The authorization ends too soon',
    retryable: false,
    next: 'Sign a new authorization for the offered window.',
  },
  payment_identifier_conflict: {
    status: 409,
    title: 'The payment identifier was used with another payload',
    retryable: false,
    next: 'Use a new payment identifier for a new payment.',
  },
  payment_not_yet_valid: {
    status: 402,
    title: 'The authorization is not valid yet',
    retryable: false,
    next: 'Sign an authorization that is valid now.',
  },
  publisher_frozen: {
    status: 403,
    title: 'The publisher is frozen',
    retryable: false,
    next: 'Ask the operator of the platform.',
  },
  too_many_waiting_proofs: {
    status: 503,
    title: 'Too many proofs of this payer are waiting for its balance',
    retryable: true,
    next: 'Present the same proof again after Retry-After.',
  },
  // chain
  chain_asset_invalid: {
    status: 500,
    title: 'The asset contract does not answer as it should',
    retryable: false,
    next: 'Check the asset address: it must be an EIP-3009 token on this chain.',
  },
  chain_mismatch: {
    status: 500,
    title: 'The chain is not the one that the log knows',
    retryable: false,
    next: 'Point the RPC address at the right chain, or start with fresh data.',
  },
  chain_unavailable: {
    status: 503,
    title: 'The chain node does not answer',
    retryable: true,
    next: 'Check the RPC address and the node; everything waits and goes on by itself.',
  },
  // devnet
  devnet_failed: {
    status: 500,
    title: 'The devnet could not be started or used',
    retryable: false,
    next: 'Look at devnet.log in its folder.',
  },
  devnet_lost: {
    status: 500,
    title: 'The devnet that the data belongs to is gone',
    retryable: false,
    next: 'Start with --fresh: a devnet keeps its chain in memory only.',
  },
  // standalone
  back_office_failed: {
    status: 500,
    title: 'The back office of the standalone platform stopped',
    retryable: false,
    next: 'Look at the log lines before it; the platform ends and can be started again.',
  },
  process_failed: {
    status: 500,
    title: 'A service that runs as a process of its own did not start or ended',
    retryable: false,
    next: 'Read the log file that the message names.',
  },
  start_interrupted: {
    status: 500,
    title: 'The start was interrupted before everything was ready',
    retryable: true,
    next: 'Start again when you like; nothing was left running.',
  },
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
  // demo and bench
  bench_failed: {
    status: 500,
    title: 'The measurement cannot go on',
    retryable: true,
    next: 'Look at what the platform logged; a figure of a broken run is no figure.',
  },
  demo_failed: {
    status: 500,
    title: 'The demo crawl cannot go on',
    retryable: true,
    next: 'Look at what the platform logged; start with --no-demo to go on without the crawl.',
  },
  demo_over_budget: {
    status: 402,
    title: 'The crawler has spent its budget',
    retryable: false,
    next: 'Nothing: the demo crawler stops here on purpose.',
  },
  // operator
  backup_damaged: {
    status: 422,
    title: 'The backup is incomplete, or not what was written',
    retryable: false,
    next: 'Take another copy of it; nothing was written that is worth keeping.',
  },
  dead_letter_caused: {
    status: 409,
    title: 'The record is the output of a fold; every consumer would drop it as applied',
    retryable: false,
    next: 'Make the consumer read it where it stands, and let it fold again from its beginning.',
  },
  dead_letter_redriven: {
    status: 409,
    title: 'The record was driven again already',
    retryable: false,
    next: 'Nothing: it stands in its partition once more, at the place that is named.',
  },
  dead_letter_unknown: {
    status: 404,
    title: 'No dead letter is of that position',
    retryable: false,
    next: 'Look at the list; letters are kept for a time only.',
  },
  dead_letter_unreadable: {
    status: 422,
    title: 'The record cannot be read by this version either',
    retryable: false,
    next: 'Find its writer, or drive it again with a version that reads it.',
  },
  operator_event_invalid: {
    status: 400,
    title: 'An operator cannot write this into the log',
    retryable: false,
    next: 'Compare the event with docs/events.md.',
  },
  operator_target_unknown: {
    status: 404,
    title: 'There is nobody of that name in the log',
    retryable: false,
    next: 'Compare the id with the registry; --unknown does it all the same.',
  },
  operator_usage: {
    status: 400,
    title: 'The command was called in a way that it does not know',
    retryable: false,
    next: 'Compare with its --help.',
  },
  restore_not_empty: {
    status: 409,
    title: 'There is something already where the backup is to be restored',
    retryable: false,
    next: 'Restore into an empty data folder, or into brokers without the topics of the platform.',
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
  // facilitator
  facilitator_overloaded: {
    status: 503,
    title: 'Too many settlements are waiting for their outcome',
    retryable: true,
    next: 'Send the same payload again after Retry-After: it is settled once.',
  },
  // fold
  generation_closed: {
    status: 503,
    title: 'The platform moves to topics with more partitions',
    retryable: true,
    next: 'Try again in a moment, with the same payment; nothing was held or charged.',
  },
  generation_superseded: {
    status: 503,
    title: 'A newer generation of topics is in force',
    retryable: true,
    next: 'Start the process again: it finds the new generation by itself.',
  },
  migration_batches_open: {
    status: 409,
    title: 'Settlement batches are in flight',
    retryable: true,
    next: 'Let settlement run until the chain has answered for them, then migrate again.',
  },
  migration_counts_invalid: {
    status: 400,
    title: 'These partition counts are no growth of the present ones',
    retryable: false,
    next: 'Ask for more partitions than there are; fewer are not possible.',
  },
  migration_state_unknown: {
    status: 500,
    title: 'A fold holds state that the migration has no rule for',
    retryable: false,
    next: 'Add the rule to migrate.ts of the service; nothing was opened.',
  },
  fold_ahead_of_log: {
    status: 500,
    title: 'The local state stands behind the end of the log',
    retryable: false,
    next: 'State and log are of different histories: restore both together, or remove the state.',
  },
  fold_broken: {
    status: 503,
    title: 'The outputs of a partition cannot be written',
    retryable: true,
    next: 'The owner folds again from its last durable position; check the log if it repeats.',
  },
  fold_position_moved: {
    status: 503,
    title: 'Another owner wrote the local store of this partition',
    retryable: true,
    next: 'Nothing to do: this owner stops. If it repeats, two processes share a data folder.',
  },
  fold_seed_missing: {
    status: 500,
    title: 'A partition of a later generation does not begin with the state carried into it',
    retryable: false,
    next: 'Nothing was decided. The topic lost its first records: restore it, or the whole log.',
  },
  fold_unknown_version: {
    status: 500,
    title: 'The log holds an event version that this code does not know',
    retryable: false,
    next: 'Deploy the newer version; an older instance must not decide what it does not understand.',
  },
  record_unreadable: {
    status: 500,
    title: 'A record cannot be read',
    retryable: false,
    next: 'Look at it in dead-letters (bytes and position); the partition went on.',
  },
  // internal
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    retryable: true,
    next: 'Look at the log of the service for the same request id.',
  },
  // ledger
  ledger_amount_negative: {
    status: 500,
    title: 'An entry of the ledger has a negative amount',
    retryable: false,
    next: 'A defect: metering stopped before it wrote anything; find the event that caused it.',
  },
  ledger_charge_out_of_order: {
    status: 500,
    title: 'A charge was moved in the books from where it does not stand',
    retryable: false,
    next: 'A defect of verifier or settlement: metering stopped at the named record; run the audit.',
  },
  ledger_event_unexpected: {
    status: 500,
    title: 'An event stands in a topic where it does not belong',
    retryable: false,
    next: 'Find the writer by the source of the event; metering stopped before it.',
  },
  ledger_unbalanced: {
    status: 500,
    title: 'Debits and credits are not equal',
    retryable: false,
    next: 'A defect: metering stopped before it wrote anything; run the audit.',
  },
  kafka_failed: {
    status: 500,
    title: 'The local Kafka broker cannot be used',
    retryable: false,
    next: 'Look into the log file of the node; Java 17 and Maven are needed.',
  },
  // log
  log_append_too_large: {
    status: 500,
    title: 'One append has more bytes than the log takes at once',
    retryable: false,
    next: 'Write it in several appends; the bound is appendBytesMax of the Kafka log.',
  },
  log_closed: {
    status: 503,
    title: 'The event log is closed',
    retryable: true,
    next: 'The process is stopping; ask another instance.',
  },
  log_login_refused: {
    status: 503,
    title: 'The event log refuses the login of this process',
    retryable: true,
    next: 'Compare KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and the file of KAFKA_SASL_PASSWORD_FILE with the users of the brokers; they are read when a process starts.',
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
  log_tls_failed: {
    status: 503,
    title: 'This process and a broker of the event log do not agree on TLS',
    retryable: true,
    next: 'Look at the reason: KAFKA_TLS as the port of KAFKA_BROKERS has it, KAFKA_TLS_CA_FILE the authority that signed the certificates of the brokers, and these naming the host as KAFKA_BROKERS does, not expired.',
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
  recovery_thread_failed: {
    status: 500,
    title: 'A thread that recovers signers ended',
    retryable: true,
    next: 'Nothing: the event loop recovers, slower, until the thread that is started in its place is ready. Look at the log lines before it if it comes again.',
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
  warehouse_migration_unrepeatable: {
    status: 500,
    title: 'A statement of a migration may not run twice',
    retryable: false,
    next: "Write it with IF NOT EXISTS or IF EXISTS; rows are the projection's, not a migration's.",
  },
  warehouse_rebuild_differs: {
    status: 500,
    title: 'The rebuilt projection is not equal to the one that is served',
    retryable: false,
    next: 'Read the report; with --accept-differences the rebuilt one is served nevertheless.',
  },
  warehouse_rebuild_impossible: {
    status: 409,
    title: 'The projection cannot be rebuilt',
    retryable: false,
    next: 'Do what the detail says: the log lost its beginning, or another rebuild runs.',
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
  // proof
  proof_amount_mismatch: {
    status: 402,
    title: 'The authorization is not for the quoted amount',
    retryable: false,
    next: 'Sign exactly the amount of the offer.',
  },
  proof_dialect_conflict: {
    status: 400,
    title: 'Payment headers of two protocol versions in one request',
    retryable: false,
    next: 'Send PAYMENT-SIGNATURE or X-PAYMENT, not both.',
  },
  proof_domain_missing: {
    status: 402,
    title: 'The requirements lack the EIP-712 name or version of the token',
    retryable: false,
    next: 'Put extra.name and extra.version into the requirements.',
  },
  proof_duplicate_header: {
    status: 400,
    title: 'The payment header was sent twice',
    retryable: false,
    next: 'Send one payment header.',
  },
  proof_expired: {
    status: 402,
    title: 'The authorization ends too soon to be settled',
    retryable: false,
    next: 'Sign a new one that lasts the offered time.',
  },
  proof_extension_echo_mismatch: {
    status: 402,
    title: 'An extension was echoed with other content than offered',
    retryable: false,
    next: 'Echo the offered extension and add fields only.',
  },
  proof_header_too_large: {
    status: 400,
    title: 'The payment header is larger than 16 KiB',
    retryable: false,
    next: 'Send a smaller payment header.',
  },
  proof_network_unknown: {
    status: 402,
    title: 'The payment is for another network than offered',
    retryable: false,
    next: 'Pay on the network of the offer.',
  },
  proof_not_base64: {
    status: 400,
    title: 'The payment header is not standard base64',
    retryable: false,
    next: 'Encode the payment as base64 with + and /.',
  },
  proof_not_json: {
    status: 400,
    title: 'The payment header does not hold JSON',
    retryable: false,
    next: 'Encode a JSON document.',
  },
  proof_not_yet_valid: {
    status: 402,
    title: 'The authorization is not valid yet',
    retryable: false,
    next: 'Sign with validAfter in the past.',
  },
  proof_payment_id_invalid: {
    status: 400,
    title: 'The payment identifier is malformed',
    retryable: false,
    next: 'Use 16 to 128 of A-Z a-z 0-9 _ and -.',
  },
  proof_quote_altered: {
    status: 402,
    title: 'The payment is not for what was offered for this request',
    retryable: false,
    next: 'Pay the offer of this very method and URL.',
  },
  proof_quote_expired: {
    status: 402,
    title: 'The offer that was paid has expired',
    retryable: false,
    next: 'Pay the new offer.',
  },
  proof_quote_missing: {
    status: 402,
    title: 'The payment does not name the offer that it pays',
    retryable: false,
    next: 'Ask first, and echo extra.challenge of the offer.',
  },
  proof_recipient_mismatch: {
    status: 402,
    title: 'The authorization pays somebody else',
    retryable: false,
    next: 'Sign a transfer to payTo of the offer.',
  },
  proof_scheme_unknown: {
    status: 402,
    title: 'The payment uses another scheme than offered',
    retryable: false,
    next: 'Use a scheme of the offer.',
  },
  proof_shape_invalid: {
    status: 400,
    title: 'The payment lacks fields or holds malformed ones',
    retryable: false,
    next: 'Follow the x402 specification of the scheme.',
  },
  proof_signature_invalid: {
    status: 402,
    title: "The signature is not the payer's",
    retryable: false,
    next: 'Sign with the key of the payer, low s.',
  },
  proof_token_name_mismatch: {
    status: 402,
    title: 'The token has another EIP-712 name',
    retryable: false,
    next: 'Use the name that the token contract answers.',
  },
  proof_token_unknown: {
    status: 402,
    title: 'This asset is not taken here',
    retryable: false,
    next: 'Ask GET /supported and use one of its assets.',
  },
  proof_token_version_mismatch: {
    status: 402,
    title: 'The token has another EIP-712 version',
    retryable: false,
    next: 'Use the version that the token contract answers.',
  },
  proof_too_deep: {
    status: 400,
    title: 'The payment is nested too deeply',
    retryable: false,
    next: 'Send at most 16 levels.',
  },
  proof_version_unsupported: {
    status: 400,
    title: 'This x402 version is not supported in this header',
    retryable: false,
    next: 'Send version 2 in PAYMENT-SIGNATURE, version 1 in X-PAYMENT.',
  },
  // path, price
  path_ambiguous: {
    status: 400,
    title: 'The path can be read in more than one way',
    retryable: false,
    next: 'Send it without encoded slashes, backslashes, control characters or double encoding.',
  },
  path_too_long: {
    status: 414,
    title: 'The request target is too long',
    retryable: false,
    next: 'Send at most 8 KiB and 256 segments.',
  },
  price_book_invalid: {
    status: 400,
    title: 'The price book is not valid',
    retryable: false,
    next: 'Correct the place that the detail names.',
  },
  // settlement
  settlement_charge_invalid: {
    status: 500,
    title: 'A charge and its authorization do not agree',
    retryable: false,
    next: 'The charge is parked: find how it was posted, correct the rule, release it.',
  },
  settlement_fees_too_high: {
    status: 503,
    title: 'The network asks more gas fees than the setting allows',
    retryable: true,
    next: 'Wait for lower fees, or raise the fee limit; the transactions go on by themselves.',
  },
  settlement_out_of_gas: {
    status: 503,
    title: 'A signer has too little of the network asset for gas',
    retryable: true,
    next: 'Send gas funds to the named signer; settlement goes on by itself.',
  },
  settlement_record_foreign: {
    status: 500,
    title: 'A record does not belong where it stands',
    retryable: false,
    next: 'Find the writer of the record; settlement stops until it is understood.',
  },
  settlement_refused: {
    status: 503,
    title: 'The chain node refuses a settlement transaction',
    retryable: true,
    next: 'Look at the detail in the log of settlement; it keeps trying.',
  },
  settlement_signer_unknown: {
    status: 500,
    title: 'The signer of a nonce lane is not among the keys',
    retryable: false,
    next: 'Restore signers.json: the lane of a partition keeps its signer.',
  },
  // ingress
  asset_not_configured: {
    status: 503,
    title: 'The asset of this publisher is not known to this ingress',
    retryable: true,
    next: 'Add the token to the configuration of the ingress.',
  },
  challenges_overloaded: {
    status: 503,
    title: 'Too many requests come without a payment',
    retryable: true,
    next: 'Come back after Retry-After; requests that carry a payment go first.',
  },
  crawler_blocked: {
    status: 403,
    title: 'The publisher does not let this crawler in',
    retryable: false,
    next: 'Ask the publisher.',
  },
  decision_unknown: {
    status: 503,
    title: 'The payment was not decided in time',
    retryable: true,
    next: 'Present the same payment again after Retry-After; it is charged once at most.',
  },
  host_duplicate: {
    status: 400,
    title: 'The request names several hosts',
    retryable: false,
    next: 'Send one Host header.',
  },
  host_unknown: {
    status: 421,
    title: 'No publisher is registered for this host',
    retryable: false,
    next: 'Register the host, or correct the name.',
  },
  ingress_overloaded: {
    status: 503,
    title: 'Too many payments are in flight',
    retryable: true,
    next: 'Come back after Retry-After; add ingresses if it stays.',
  },
  lease_over: {
    status: 503,
    title: 'The time to deliver was over',
    retryable: true,
    next: 'Present the same payment again after Retry-After; nothing was charged.',
  },
  newcomers_overloaded: {
    status: 503,
    title: 'Too many payers come for the first time',
    retryable: true,
    next: 'Come back after Retry-After; while it is busy, payers that paid before go first.',
  },
  offers_withdrawn: {
    status: 503,
    title: 'Payments are not taken at the moment',
    retryable: true,
    next: 'Come back after Retry-After; settlement is catching up.',
  },
  origin_timeout: {
    status: 504,
    title: 'The site behind did not answer in time',
    retryable: true,
    next: 'Come back; nothing was charged.',
  },
  origin_truncated: {
    status: 502,
    title: 'The site behind broke off its answer',
    retryable: true,
    next: 'Come back; nothing was charged.',
  },
  origin_unreachable: {
    status: 502,
    title: 'The site behind cannot be reached',
    retryable: true,
    next: 'Come back; nothing was charged.',
  },
  request_headers_too_large: {
    status: 400,
    title: 'The headers of the request are too large',
    retryable: false,
    next: 'Send at most 32 KiB of headers.',
  },
  request_malformed: {
    status: 400,
    title: 'The request is not HTTP as RFC 9112 defines it',
    retryable: false,
    next: 'Correct the client.',
  },
  target_mismatch: {
    status: 400,
    title: 'The request target names another host than the Host header',
    retryable: false,
    next: 'Send the path alone, or the same host.',
  },
  // api
  asset_unknown: {
    status: 500,
    title: 'An amount is in an asset that is not configured',
    retryable: false,
    next: 'Add the asset to the settings of analytics; amounts are not guessed.',
  },
  crawl_not_found: {
    status: 404,
    title: 'No such crawl',
    retryable: false,
    next: 'A crawl appears within two seconds of its first event.',
  },
  forbidden: {
    status: 403,
    title: 'This token may not see that',
    retryable: false,
    next: 'Publishers see their own data only; use the token of its owner.',
  },
  price_book_conflict: {
    status: 409,
    title: 'The price book was replaced meanwhile',
    retryable: false,
    next: 'Read the newest version, apply the change to it and send it again.',
  },
  publisher_host_taken: {
    status: 409,
    title: 'A host belongs to another publisher',
    retryable: false,
    next: 'Take the host away from the other publisher first, or leave it out.',
  },
  publisher_invalid: {
    status: 400,
    title: 'The publisher cannot be registered like this',
    retryable: false,
    next: 'Correct what the detail names and send it again.',
  },
  publisher_not_found: {
    status: 404,
    title: 'No such publisher',
    retryable: false,
    next: 'Register the publisher first.',
  },
  settlement_not_found: {
    status: 404,
    title: 'No such settlement batch',
    retryable: false,
    next: 'Look at the list of settlements.',
  },
  token_invalid: {
    status: 401,
    title: 'No token, or one that is not known',
    retryable: false,
    next: 'Send `Authorization: Bearer <token>`.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
