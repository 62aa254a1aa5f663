/** One settlement batch in its newest state: a row of `batches`. */
export interface Batch {
  readonly id: string;
  readonly sealedAtMs: number;
  readonly status: 'sealed' | 'submitted' | 'confirmed' | 'lost';
  readonly submittedAtMs?: number;
  readonly confirmedAtMs?: number;
  readonly asset: string;
  readonly gasAsset: string;
  readonly amount: bigint;
  readonly charges: number;
  readonly attempts: number;
  readonly transaction: string;
  readonly block: number;
  readonly gasCost: bigint;
}

/** One charge in one batch: a row of `batch_charges`. */
export interface BatchCharge {
  readonly publisher: string;
  readonly batchAtMs: number;
  readonly batchId: string;
  readonly chargeId: string;
  readonly payer: string;
  readonly asset: string;
  readonly amount: bigint;
  readonly outcome: 'in_flight' | 'settled' | 'returned' | 'uncollectible';
  readonly code: string;
  readonly transaction: string;
  readonly block: number;
}
