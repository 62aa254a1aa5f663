import { ActionIcon, Button } from '@mantine/core';
import { Icon, type IconName } from '../../parts/icon.js';
import { EmptyNote } from '../../parts/notes.js';
import { Sheet } from '../../parts/sheet.js';
import { type Draft, withNewRule, withoutRule, withRule, withRuleMoved } from './draft.js';
import type { FieldProblems } from './draft-problems.js';
import classes from './price-book-page.module.css';
import { RuleFields } from './rule-fields.js';

/** The rules in the order in which they are tried; moved by buttons, so a keyboard can too. */
export function RuleList(props: {
  readonly draft: Draft;
  readonly problems: readonly FieldProblems[];
  readonly onDraft: (draft: Draft) => void;
}) {
  const { draft, problems, onDraft } = props;
  return (
    <Sheet
      title={`Rules (${draft.rules.length})`}
      aside={
        <Button
          variant="default"
          size="xs"
          leftSection={<Icon name="plus" size={14} />}
          onClick={() => onDraft(withNewRule(draft))}
        >
          Add a rule
        </Button>
      }
    >
      {draft.rules.length === 0 && (
        <EmptyNote title="No rule: every crawler passes free of charge." />
      )}
      <ol>
        {draft.rules.map((rule, at) => (
          <li key={rule.key} className={classes.rule}>
            <div className={classes.ruleHead}>
              <h3 className={classes.number}>Rule {at + 1}</h3>
              <RuleButton
                icon="up"
                name={`Try rule ${at + 1} earlier`}
                isOff={at === 0}
                onPress={() => onDraft(withRuleMoved(draft, at, -1))}
              />
              <RuleButton
                icon="down"
                name={`Try rule ${at + 1} later`}
                isOff={at === draft.rules.length - 1}
                onPress={() => onDraft(withRuleMoved(draft, at, 1))}
              />
              <RuleButton
                icon="cross"
                name={`Remove rule ${at + 1}`}
                isOff={false}
                onPress={() => onDraft(withoutRule(draft, at))}
              />
            </div>
            <RuleFields
              rule={rule}
              problems={problems[at] ?? {}}
              onChange={(change) => onDraft(withRule(draft, at, change))}
            />
          </li>
        ))}
      </ol>
    </Sheet>
  );
}

function RuleButton(props: {
  readonly icon: IconName;
  readonly name: string;
  readonly isOff: boolean;
  readonly onPress: () => void;
}) {
  return (
    <ActionIcon
      variant="default"
      size="md"
      aria-label={props.name}
      disabled={props.isOff}
      onClick={props.onPress}
    >
      <Icon name={props.icon} size={15} />
    </ActionIcon>
  );
}
