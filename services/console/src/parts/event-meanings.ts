/** One sentence for each event that stands in a crawl's or a batch's story; unknown ones have none. */
export const eventMeanings: Readonly<Record<string, string>> = {
  ChallengeIssued: 'The crawler asked without a payment and was told the price.',
  ProofRefused: 'The payment was malformed or wrongly signed, so it went no further.',
  ProofReceived: 'The crawler came back with a signed payment for the quoted price.',
  FundsRequested: 'The payer is new or its balance is old: the chain is asked.',
  FundsObserved: 'The chain answered with the payer’s balance at a settled block.',
  PaymentAccepted: 'Nonce, funds and deadline are good: the amount is held, delivery may begin.',
  PaymentRejected: 'The payment was read and not accepted. Nothing was held.',
  LeaseGranted: 'The same payment came again and may be delivered without a second charge.',
  DeliveryStarted: 'The first bytes of a long page are on their way.',
  CrawlDelivered: 'The page was delivered whole.',
  CrawlNotDelivered: 'The page was not delivered, so it is not charged.',
  ChargePosted: 'The hold became a charge.',
  HoldReleased: 'The hold ended without a charge.',
  LossPosted: 'The page was delivered too late to be charged: a loss, shown and counted.',
  LedgerPosted: 'The double-entry ledger has it.',
  ChargeDue: 'The charge waits for a settlement batch.',
  ChargeInFlight: 'The charge is in a sealed batch.',
  ChargeReturned: 'The charge came back out of a batch and waits for the next.',
  ChargeSettled: 'The money moved, read from a block at the finality depth.',
  ChargeUncollectible: 'The money cannot be collected: posted as a loss.',
  ChargesObserved: 'The chain was asked about charges that wait outside a batch.',
  ChargeParked: 'The charge stands aside until somebody looks at it; others go on.',
  ChargeReleased: 'The charge that stood aside goes on.',
  GasSpent: 'What the transaction cost, in the network’s own asset.',
  BatchSealed: 'The batch is closed and has its place in the signer’s sequence.',
  AttemptProposed: 'A signed transaction for the batch is in the log, ready to be sent.',
  AttemptSubmitted: 'The transaction was handed to a node of the chain.',
  BatchObserved: 'The chain was asked what became of the batch.',
  BatchSubmitted: 'The batch is on its way to the chain.',
  BatchConfirmed: 'A block at the finality depth holds the transaction.',
  BatchLost: 'The signer’s sequence number went to another transaction; charges return.',
};

const good = /Accepted|Delivered|ChargePosted|Confirmed|Settled/;
const bad = /Refused|Rejected|NotDelivered|Uncollectible|Lost|LossPosted|Parked/;

export function eventTone(type: string): 'good' | 'bad' | 'neutral' {
  if (bad.test(type)) return 'bad';
  return good.test(type) ? 'good' : 'neutral';
}
