/** One sentence for each event that stands in a crawl's or a batch's story; unknown ones have none. */
export const eventMeanings: Readonly<Record<string, string>> = {
  ChallengeIssued: 'The crawler asked without a payment and was told the price.',
  ProofRefused: 'The payment was malformed or wrongly signed, so it went no further.',
  ProofReceived: 'The crawler came back with a signed payment for the quoted price.',
  FundsRequested: 'The payer is new or its balance is old: the chain is asked.',
  FundsObserved: 'The chain answered with the payer’s balance at a settled block.',
  PaymentAccepted: 'Nonce, funds and deadline are good: the amount is held, delivery may begin.',
  PaymentRejected: 'The payment was read and not accepted. Nothing was held.',
  DeliveryStarted: 'The first bytes of a long page are on their way.',
  CrawlDelivered: 'The page was delivered whole.',
  CrawlNotDelivered: 'The page was not delivered, so it is not charged.',
  ChargePosted: 'The hold became a charge.',
  HoldReleased: 'The hold ended without a charge.',
  LedgerPosted: 'The double-entry ledger has it.',
  ChargeDue: 'The charge waits for a settlement batch.',
  ChargeInFlight: 'The charge is in a sealed batch.',
  ChargeReturned: 'The charge came back out of a batch and waits for the next.',
  ChargeSettled: 'The money moved, read from a block at the finality depth.',
  ChargeUncollectible: 'The money cannot be collected: posted as a loss.',
  BatchSealed: 'The batch is closed and has its place in the signer’s sequence.',
  AttemptProposed: 'A signed transaction for the batch is in the log, ready to be sent.',
  BatchSubmitted: 'The transaction was sent to the chain.',
  BatchConfirmed: 'A block at the finality depth holds the transaction.',
  BatchLost: 'The signer’s sequence number went to another transaction; charges return.',
};

const good = /Accepted|Delivered|ChargePosted|Confirmed|Settled/;
const bad = /Refused|Rejected|NotDelivered|Uncollectible|Lost|Parked/;

export function eventTone(type: string): 'good' | 'bad' | 'neutral' {
  if (bad.test(type)) return 'bad';
  return good.test(type) ? 'good' : 'neutral';
}
