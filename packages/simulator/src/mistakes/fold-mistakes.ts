import type { AnyEvent } from '@paycrawl/events/event';
import type { Fold, InputPosition, View } from '@paycrawl/fold/fold';
import {
  type Account,
  type Admission,
  type AdmissionView,
  account,
  accountKey,
  admissionKey,
  leaseId,
  leasesOf,
  type Proof,
} from '@paycrawl/verifier/admission/state';
import type { Place, Planted, Service } from '../planted.js';

type AnyView = View<unknown>;

/** Hands another view to a fold; the same one for the whole life of an owner. */
function seenThrough(change: (view: AnyView, place: Place) => AnyView): Planted {
  return {
    fold<Out>(fold: Fold<Out>, place: Place): Fold<Out> {
      const views = new WeakMap<View<Out>, View<Out>>();
      const through = (view: View<Out>): View<Out> => {
        const known = views.get(view) ?? (change(view as AnyView, place) as View<Out>);
        views.set(view, known);
        return known;
      };
      return { ...fold, apply: (view, event, at) => fold.apply(through(view), event, at) };
    },
  };
}

/** Entities come in the order in which this process happened to touch them. */
export const memoryOrder = seenThrough((view) => {
  const touched = new Map<string, number>();
  const touch = (key: string): void => void touched.set(key, touched.get(key) ?? touched.size);
  return {
    ...viewOf(view),
    get: <Value>(key: string) => {
      touch(key);
      return view.get<Value>(key);
    },
    set(key, value) {
      touch(key);
      view.set(key, value);
    },
    range: <Value>(prefix: string, countMax?: number) => {
      const rank = (key: string) => touched.get(key) ?? Number.POSITIVE_INFINITY;
      return view
        .range<Value>(prefix)
        .sort(([a], [b]) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
        .slice(0, countMax);
    },
  };
});

export const wallClock = seenThrough((view, { world, life }) => ({
  ...viewOf(view),
  get nowMs() {
    return Math.floor(world.timeline.nowMs + life.skewMs);
  },
}));

/** The methods, and `nowMs` as it is at the time of asking. */
function viewOf(view: AnyView): AnyView {
  const { get, range, set, delete: remove, setTimer, clearTimer, takeDueTimers, emit } = view;
  return {
    ...{ get, range, set, delete: remove, setTimer, clearTimer, takeDueTimers, emit },
    get nowMs() {
      return view.nowMs;
    },
  };
}

type Change = (view: AdmissionView, event: AnyEvent, at: InputPosition) => AnyEvent;
type Then = (view: AdmissionView, event: AnyEvent) => void;

/** Puts something before and after admission, which sees the event that `before` returns. */
function admissionWith(before: Change, then: Then = () => {}): Planted {
  const verifier: Service = 'verifier';
  return {
    fold<Out>(fold: Fold<Out>, { service }: Place): Fold<Out> {
      if (service !== verifier) return fold;
      return {
        ...fold,
        apply(view, event, at) {
          const own = view as unknown as AdmissionView;
          fold.apply(view, before(own, event, at), at);
          then(own, event);
        },
      };
    },
  };
}

const admissionOf = (view: AdmissionView, chargeId: string) =>
  view.get<Admission>(admissionKey(chargeId));

/** A charge that came to its end is forgotten at once, while its authorization is valid. */
export const noncePrunedEarly = admissionWith((view, event) => {
  for (const [key, admission] of view.range<Admission>('n/')) {
    if (admission.status !== 'charged' || admission.end === undefined) continue;
    const { proof } = admission;
    const payer = account(view, proof);
    view.set(accountKey(proof.payer, proof.asset), { ...payer, proofs: payer.proofs - 1 });
    view.delete(key);
  }
  return event;
});

/** Whatever lease an outcome is of, it ends the hold. */
export const outcomeWithoutLease = admissionWith((view, event) => {
  if (event.type !== 'CrawlNotDelivered' || event.data.leaseId === undefined) return event;
  const { chargeId } = event.data;
  const admission = admissionOf(view, chargeId);
  if (admission?.status !== 'held') return event;
  const current = leaseId(chargeId, admission.lease.number);
  return { ...event, data: { ...event.data, leaseId: current } };
});

/** A delivery is posted although nothing is known any more of how its nonce ended. */
export const outcomeAfterForgotten = admissionWith((view, event) => {
  if (event.type === 'ProofReceived') view.set(`x/${event.data.chargeId}`, event.data);
  if (event.type !== 'CrawlDelivered') return event;
  const { chargeId, leaseId: lease, requestId } = event.data;
  const proof = view.get<Proof>(`x/${chargeId}`);
  if (proof === undefined || admissionOf(view, chargeId) !== undefined) return event;
  const leases = Number.parseInt(lease.split(':')[1] ?? '1', 10);
  const released = { status: 'released', proof, leases, requestId, forgetAtMs: 0 } as const;
  const payer = account(view, proof);
  view.set(accountKey(proof.payer, proof.asset), { ...payer, proofs: payer.proofs + 1 });
  view.set(admissionKey(chargeId), released satisfies Admission);
  return event;
});

/** Nobody remembers which request a hold was released of, so its copy passes for a new one. */
export const repeatedProof = admissionWith((view, event) => {
  if (event.type !== 'ProofReceived') return event;
  const { chargeId } = event.data;
  const admission = admissionOf(view, chargeId);
  if (admission?.status !== 'released') return event;
  view.set(admissionKey(chargeId), { ...admission, requestId: undefined });
  view.delete(`o/${chargeId}`);
  return event;
});

/** An outcome that is reported again ends the hold again. */
export const holdEndedTwice = admissionWith((view, event) => {
  if (event.type !== 'CrawlNotDelivered' || event.data.leaseId === undefined) return event;
  const admission = admissionOf(view, event.data.chargeId);
  if (admission?.status !== 'released') return event;
  const { proof, requestId = '' } = admission;
  const number = leasesOf(admission);
  const payer = account(view, proof);
  const untilMs = view.nowMs + 1;
  const lease = { requestId, ingressId: proof.ingressId, number, untilMs, started: false };
  const held: Admission = { status: 'held', proof, lease, expiresAtMs: view.nowMs + 1_000_000 };
  view.set(admissionKey(proof.chargeId), held);
  const grown: Account = { ...payer, held: payer.held + BigInt(proof.amount) };
  view.set(accountKey(proof.payer, proof.asset), grown);
  return event;
});

/** What was settled leaves the sum at once, although the observed balance still contains it. */
export const fundsFreedEarly = admissionWith(
  (_view, event) => event,
  (view, event) => {
    if (event.type !== 'ChargeSettled') return;
    const payer = view.get<Account>(accountKey(event.data.payer, event.data.asset));
    if (payer === undefined) return;
    view.set(accountKey(event.data.payer, event.data.asset), { ...payer, leaving: [] });
  },
);
