import type { AnyEvent } from '@paycrawl/events/event';

/** The crawls (charge, challenge or request ids) and batches that an event tells of. */
export function subjectsOf(event: AnyEvent): readonly string[] {
  switch (event.type) {
    case 'ChallengeIssued':
      return [event.data.challengeId];
    case 'ProofRefused':
      return [event.data.requestId, ...present(event.data.challengeId)];
    case 'VerificationAnswered':
      return [event.data.requestId];
    case 'ProofReceived':
    case 'DeliveryStarted':
    case 'CrawlDelivered':
    case 'CrawlNotDelivered':
    case 'PaymentAccepted':
    case 'PaymentRejected':
    case 'LeaseGranted':
    case 'ChargePosted':
    case 'HoldReleased':
    case 'LossPosted':
    case 'ChargeInFlight':
    case 'ChargeReturned':
    case 'ChargeSettled':
    case 'ChargeUncollectible':
    case 'ChargeDue':
    case 'ChargeParked':
    case 'ChargeReleased':
      return [event.data.chargeId];
    case 'LedgerPosted':
      return present(event.data.chargeId);
    case 'ChargesObserved':
      return event.data.answers
        .filter(({ answer }) => answer !== 'unused')
        .map(({ chargeId }) => chargeId);
    case 'GasSpent':
    case 'AttemptProposed':
    case 'AttemptSubmitted':
    case 'BatchObserved':
    case 'BatchSealed':
    case 'BatchSubmitted':
    case 'BatchConfirmed':
    case 'BatchLost':
      return [event.data.batchId];
    default:
      return [];
  }
}

function present(id: string | undefined): readonly string[] {
  return id === undefined ? [] : [id];
}
