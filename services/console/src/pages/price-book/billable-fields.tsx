import { Switch } from '@mantine/core';
import { Sheet } from '../../parts/sheet.js';
import type { Draft } from './draft.js';
import { billableByDefault, billableOutcomes, billableTitles } from './price-book.js';
import classes from './price-book-page.module.css';

export function BillableFields(props: {
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
}) {
  const { draft, onDraft } = props;
  return (
    <Sheet title="What is charged">
      <div className={classes.billable}>
        {billableOutcomes.map((outcome) => (
          <Switch
            key={outcome}
            label={billableTitles[outcome]}
            checked={draft.billable[outcome] ?? billableByDefault[outcome]}
            onChange={({ currentTarget: { checked } }) =>
              onDraft({ ...draft, billable: { ...draft.billable, [outcome]: checked } })
            }
          />
        ))}
        <p className="quiet small">What is not delivered is never charged.</p>
      </div>
    </Sheet>
  );
}
