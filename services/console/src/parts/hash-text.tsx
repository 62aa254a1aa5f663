import { ActionIcon, CopyButton } from '@mantine/core';
import { shortened } from '../format/words.js';
import { Icon } from './icon.js';

/** A hash or id in short, with the whole in the title and one click away from the clipboard. */
export function HashText(props: { readonly value: string; readonly what: string }) {
  const { value, what } = props;
  return (
    <span style={{ whiteSpace: 'nowrap', display: 'inline-flex', alignItems: 'center', gap: 4 }}>
      <span className="mono" title={value}>
        {shortened(value)}
      </span>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={copied ? 'Copied' : `Copy the ${what}`}
          >
            <Icon name={copied ? 'check' : 'copy'} size={14} />
          </ActionIcon>
        )}
      </CopyButton>
    </span>
  );
}
