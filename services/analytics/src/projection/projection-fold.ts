import type { AnyEvent, EventTopic } from '@paycrawl/events/event';
import type { Fold, View } from '@paycrawl/fold/fold';
import { sweepEnded } from './ended.js';
import type { ProjectionOutput } from './output.js';
import { subjectsOf } from './subjects.js';

export type ProjectionView = View<ProjectionOutput>;
export type ProjectionFold = Fold<ProjectionOutput>;

export const projectionName = 'analytics';

/** What every projection fold does around its own rules: forget, index, and park bad records. */
export function projectionFold(
  input: EventTopic,
  apply: (view: ProjectionView, event: AnyEvent) => void,
): ProjectionFold {
  const index = (view: ProjectionView, event: AnyEvent): void => {
    for (const subject of subjectsOf(event)) {
      view.emit({ table: 'event_index', subject, type: event.type });
    }
  };
  return {
    name: projectionName,
    input,
    apply(view, event) {
      sweepEnded(view);
      index(view, event);
      apply(view, event);
    },
    // A projection never stops for one event: it is set aside, and reconciliation shows the gap.
    park(view, event, position, code) {
      index(view, event);
      const detail = `${event.type} could not be projected`;
      const record = { code, detail, key: position.key, valueBase64: '' };
      view.emit({ table: 'dead-letters', record });
    },
  };
}
