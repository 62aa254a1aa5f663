import { type Specification, specify } from '@paycrawl/fold/specification';
import type { ProjectionOutput } from './output.js';
import type { ProjectionFold } from './projection-fold.js';

/** given / when / then for a projection fold; the outputs of an event come one by one. */
export function given(fold: ProjectionFold): Specification<ProjectionOutput> {
  const specification = specify(fold);
  return {
    ...specification,
    feed: (type, data, options) => specification.feed(type, data, options).flat(),
  };
}
