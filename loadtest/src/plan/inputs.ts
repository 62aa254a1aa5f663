/**
 * Everything that the paper plan begins with and that no bench measures. Change it here, or by a
 * flag of the same name: `npm run bench:plan -- --challengesPerDay=2000000000`.
 */
export interface PlanInputs {
  readonly challengesPerDay: number;
  readonly crawlsPerDay: number;
  /** The busiest second beside the mean of the day. An assumption: crawlers come in waves. */
  readonly peakFactor: number;
  /** How busy a core or a partition may be at the peak, so that one machine may fail. */
  readonly busyMaxPercent: number;
  readonly coresPerInstance: number;
  /** Partition counts never change in place: room to grow before a migration. */
  readonly growthFactor: number;
  readonly replicas: number;
  /** Records that a charge leaves in the log after the six of its crawl: in flight, settled, and
   * their relays and postings. */
  readonly settlementRecordsPerCrawl: number;
  readonly challengesKeptDays: number;
  /** Millionths of a dollar. */
  readonly priceMicros: number;
  /** Gas of one authorization in a batch: as first measured on the devnet, and the goal. */
  readonly gasPerAuthorization: number;
  readonly gasPerAuthorizationGoal: number;
  /** Assumption; look at the chain that you settle on. */
  readonly weiPerGas: number;
  /** Assumption: dollars for one of the chain's own asset. */
  readonly dollarsPerNative: number;
  /** Assumption: what the whole chain takes in a second. */
  readonly chainGasPerS: number;
  /** What one lane (a signer) confirms: the goal, until `npm run bench:settlement` said it. */
  readonly settledPerLanePerS: number;
  /** Crawlers with a channel or an account. */
  readonly payers: number;
  readonly claimsPerChannelPerDay: number;
  /** Assumption: one claim of a channel, many in one transaction. */
  readonly gasPerClaim: number;
  readonly invoicesPerPayerPerMonth: number;
}

export const planInputs: PlanInputs = {
  challengesPerDay: 1_000_000_000,
  crawlsPerDay: 50_000_000,
  peakFactor: 3,
  busyMaxPercent: 50,
  coresPerInstance: 8,
  growthFactor: 4,
  replicas: 3,
  settlementRecordsPerCrawl: 6,
  challengesKeptDays: 7,
  priceMicros: 1_000,
  gasPerAuthorization: 72_000,
  gasPerAuthorizationGoal: 55_000,
  weiPerGas: 10_000_000,
  dollarsPerNative: 3_000,
  chainGasPerS: 50_000_000,
  settledPerLanePerS: 500,
  payers: 10_000,
  claimsPerChannelPerDay: 1,
  gasPerClaim: 60_000,
  invoicesPerPayerPerMonth: 1,
};

/** What the benches said, as far as they ran: figures without a measurement are left out. */
export interface PlanMeasurements {
  readonly challengesPerSPerCore?: number | undefined;
  readonly crawlCpuUs?: number | undefined;
  readonly admissionRecordsPerS?: number | undefined;
  readonly crawlBytes?: number | undefined;
  readonly challengeBytes?: number | undefined;
  readonly engineBytesPerCrawl?: number | undefined;
  readonly engineBytesPerChallenge?: number | undefined;
  readonly engineRowsPerCrawl?: number | undefined;
  readonly engineRowsPerChallenge?: number | undefined;
}
