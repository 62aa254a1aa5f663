import { type AnyEvent, type EventTopic, encodeEvent } from '@paycrawl/events/event';
import type { Fold, View } from '@paycrawl/fold/fold';
import { sweepEnded } from './ended.js';
import { createFactTotals } from './fact-totals.js';
import { createLedgerTotals } from './ledger-totals.js';
import type { Fact, LedgerEntry, ProjectionOutput } from './output.js';
import { subjectsOf } from './subjects.js';
import { createTallies } from './tallies.js';

/** All that one event adds, as one output of the fold: each output costs a cause and a place. */
export type EventOutputs = readonly ProjectionOutput[];
export type ProjectionFold = Fold<EventOutputs>;

/** What the rules of a projection see of the view; `emit` adds to the outputs of the event. */
export interface ProjectionView
  extends Pick<View<EventOutputs>, 'nowMs' | 'get' | 'set' | 'delete' | 'range'> {
  /** Of the record that is folded. */
  readonly offset: number;
  emit(output: ProjectionOutput): void;
  /** Into its totals, once the rules of the event have ended: then nothing is undone. */
  countLater(fact: Fact): void;
  postLater(entry: LedgerEntry): void;
}

export const projectionName = 'analytics';

/** What every projection fold does around its own rules: forget, index, and park bad records. */
export function projectionFold(
  input: EventTopic,
  apply: (view: ProjectionView, event: AnyEvent) => void,
): ProjectionFold {
  const projectors = new WeakMap<View<EventOutputs>, Projector>();
  const projectorOf = (view: View<EventOutputs>): Projector => {
    const known = projectors.get(view);
    if (known !== undefined) return known;
    const made = createProjector(view);
    projectors.set(view, made);
    return made;
  };
  return {
    name: projectionName,
    input,
    // Crawls alone are carried: totals belong to their source, and the rest has no state.
    isSeeded: input === 'decisions',
    apply(view, event, { offset }) {
      projectorOf(view).project(offset, (own) => {
        sweepEnded(own);
        index(own, event);
        apply(own, event);
      });
    },
    // A projection never stops for one event: it is set aside, and reconciliation shows the gap.
    park(view, event, position, code) {
      const detail = `${event.type} could not be projected`;
      const valueBase64 = encodeEvent(event).toString('base64');
      const record = { code, detail, key: position.key, valueBase64 };
      projectorOf(view).project(position.offset, (own) => {
        index(own, event);
        own.emit({ table: 'dead-letters', record });
      });
    },
    settle: (view) => projectorOf(view).settle(),
  };
}

/** What a fold does with the records of one partition. */
interface Projector {
  project(offset: number, rules: (own: ProjectionView) => void): void;
  settle(): void;
}

function createProjector(view: View<EventOutputs>): Projector {
  const tallies = createTallies();
  const factTotals = createFactTotals(tallies);
  const ledgerTotals = createLedgerTotals(tallies);
  let outputs: ProjectionOutput[] = [];
  let facts: Fact[] = [];
  let entries: LedgerEntry[] = [];
  let recordOffset = 0;
  const own: ProjectionView = {
    get nowMs() {
      return view.nowMs;
    },
    get offset() {
      return recordOffset;
    },
    get: view.get,
    set: view.set,
    delete: view.delete,
    range: view.range,
    emit: (output) => void outputs.push(output),
    countLater: (fact) => void facts.push(fact),
    postLater: (entry) => void entries.push(entry),
  };
  const settle = (): void => {
    outputs = [];
    tallies.settle(own);
    if (outputs.length > 0) view.emit(outputs);
  };
  return {
    project(offset, rules) {
      recordOffset = offset;
      outputs = [];
      // What stands here still was never kept.
      if (facts.length > 0) facts = [];
      if (entries.length > 0) entries = [];
      rules(own);
      for (const fact of facts) factTotals.add(own, fact);
      for (const entry of entries) ledgerTotals.add(own, entry);
      if (outputs.length > 0) view.emit(outputs);
      if (view.isSettledLater === true) return;
      settle();
      // Whoever applies this record may undo it.
      tallies.forget();
    },
    settle,
  };
}

function index(view: ProjectionView, event: AnyEvent): void {
  for (const subject of subjectsOf(event)) {
    view.emit({ table: 'event_index', subject, type: event.type });
  }
}
