import { NativeSelect, TagsInput, TextInput } from '@mantine/core';
import type { DraftRule, RuleKind, RuleWho } from './draft.js';
import type { FieldProblems } from './draft-problems.js';
import classes from './price-book-page.module.css';

const whos: readonly { readonly value: RuleWho; readonly label: string }[] = [
  { value: 'ai-agents', label: 'AI agents (the kept list)' },
  { value: 'everyone', label: 'Everyone, people too' },
  { value: 'named', label: 'Crawlers by name' },
];

const kinds: readonly { readonly value: RuleKind; readonly label: string }[] = [
  { value: 'price', label: 'Pays a price' },
  { value: 'free', label: 'Passes free' },
  { value: 'block', label: 'Is blocked' },
];

interface RuleFieldsProps {
  readonly rule: DraftRule;
  readonly problems: FieldProblems;
  readonly onChange: (change: Partial<DraftRule>) => void;
}

export function RuleFields(props: RuleFieldsProps) {
  const { problems } = props;
  return (
    <>
      {problems.rule !== undefined && (
        <p className={classes.problem} role="alert">
          {problems.rule}
        </p>
      )}
      <div className={classes.fields}>
        <WhatAndWho {...props} />
        <WhenAndWhy {...props} />
      </div>
    </>
  );
}

function WhatAndWho({ rule, problems, onChange }: RuleFieldsProps) {
  return (
    <>
      <TextInput
        label="Path"
        description="* within a part, ** over parts"
        value={rule.path}
        error={problems.path}
        onChange={(event) => onChange({ path: event.currentTarget.value })}
      />
      <NativeSelect
        label="Who"
        description="Whoever asks for such a path"
        data={whos.map((who) => ({ ...who }))}
        value={rule.who}
        onChange={({ currentTarget: { value } }) =>
          onChange({ who: whos.find((who) => who.value === value)?.value ?? rule.who })
        }
      />
      <NativeSelect
        label="What then"
        description="The first rule that fits decides"
        data={kinds.map((kind) => ({ ...kind }))}
        value={rule.kind}
        onChange={({ currentTarget: { value } }) =>
          onChange({ kind: kinds.find((kind) => kind.value === value)?.value ?? rule.kind })
        }
      />
      {rule.who === 'named' && (
        <TagsInput
          label="Crawlers"
          description="Enter after each name"
          value={[...rule.names]}
          error={problems.crawlers}
          splitChars={[',']}
          onChange={(names) => onChange({ names })}
        />
      )}
      {rule.kind === 'price' && (
        <TextInput
          label="Price of one page"
          description="Exact, at most 6 decimals"
          value={rule.price}
          error={problems.price}
          onChange={(event) => onChange({ price: event.currentTarget.value })}
        />
      )}
    </>
  );
}

function WhenAndWhy({ rule, problems, onChange }: RuleFieldsProps) {
  return (
    <>
      <TextInput
        label="In force from"
        description="UTC; empty: always"
        placeholder="2026-01-31T00:00:00Z"
        value={rule.effectiveFrom}
        error={problems.effectiveFrom}
        onChange={(event) => onChange({ effectiveFrom: event.currentTarget.value })}
      />
      <TextInput
        label="Name of the rule"
        description="Stands in every quote and event"
        value={rule.id}
        error={problems.id}
        onChange={(event) => onChange({ id: event.currentTarget.value })}
      />
      <TextInput
        label="Remark"
        description="For you, at most 200 characters"
        value={rule.description}
        error={problems.description}
        onChange={(event) => onChange({ description: event.currentTarget.value })}
      />
    </>
  );
}
