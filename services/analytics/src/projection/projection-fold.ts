import { type AnyEvent, type EventTopic, encodeEvent } from '@paycrawl/events/event';
import type { Fold, View } from '@paycrawl/fold/fold';
import { sweepEnded } from './ended.js';
import type { ProjectionOutput } from './output.js';
import { subjectsOf } from './subjects.js';

/** All that one event adds, as one output of the fold: each output costs a cause and a place. */
export type EventOutputs = readonly ProjectionOutput[];
export type ProjectionFold = Fold<EventOutputs>;

/** What the rules of a projection see of the view; `emit` adds to the outputs of the event. */
export interface ProjectionView
  extends Pick<View<EventOutputs>, 'nowMs' | 'get' | 'set' | 'delete' | 'range'> {
  emit(output: ProjectionOutput): void;
}

export const projectionName = 'analytics';

/** What every projection fold does around its own rules: forget, index, and park bad records. */
export function projectionFold(
  input: EventTopic,
  apply: (view: ProjectionView, event: AnyEvent) => void,
): ProjectionFold {
  const collecting = (view: View<EventOutputs>, rules: (view: ProjectionView) => void): void => {
    const outputs: ProjectionOutput[] = [];
    rules({
      nowMs: view.nowMs,
      get: view.get,
      set: view.set,
      delete: view.delete,
      range: view.range,
      emit: (output) => void outputs.push(output),
    });
    if (outputs.length > 0) view.emit(outputs);
  };
  return {
    name: projectionName,
    input,
    // Crawls alone are carried: totals belong to their source, and the rest has no state.
    isSeeded: input === 'decisions',
    apply(view, event) {
      collecting(view, (own) => {
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
      collecting(view, (own) => {
        index(own, event);
        own.emit({ table: 'dead-letters', record });
      });
    },
  };
}

function index(view: ProjectionView, event: AnyEvent): void {
  for (const subject of subjectsOf(event)) {
    view.emit({ table: 'event_index', subject, type: event.type });
  }
}
