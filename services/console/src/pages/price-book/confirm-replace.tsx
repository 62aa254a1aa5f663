import { Button, Modal } from '@mantine/core';
import type { Changes } from './changes.js';
import classes from './price-book-page.module.css';

/** The last question before prices change: what changes, and from when. */
export function ConfirmReplace(props: {
  readonly isOpen: boolean;
  readonly version: number;
  readonly changes: Changes;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
}) {
  const { version } = props;
  return (
    <Modal
      opened={props.isOpen}
      onClose={props.onClose}
      title={version === 0 ? 'Write the first version?' : `Replace version ${version}?`}
      centered
      styles={{ title: { fontFamily: 'var(--serif)', fontSize: 22 } }}
    >
      <ul className={classes.changes}>
        {wordsOf(props.changes).map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      <p className="quiet">
        New requests get the new prices at once. A price already quoted stays good until its quote
        ends.
      </p>
      <div className={classes.buttons} style={{ marginTop: 20 }}>
        <Button variant="default" onClick={props.onClose}>
          Keep editing
        </Button>
        <Button onClick={props.onConfirm} data-autofocus>
          {version === 0 ? 'Write it' : 'Replace it'}
        </Button>
      </div>
    </Modal>
  );
}

const namedMax = 8;

function wordsOf(changes: Changes): readonly string[] {
  const { added, removed, changed, isReordered, isRestChanged } = changes;
  return [
    named('Added', added),
    named('Removed', removed),
    named('Changed', changed),
    isReordered ? 'Rules are tried in another order' : '',
    isRestChanged ? 'What is charged, or the fee, changes' : '',
  ].filter((words) => words !== '');
}

function named(word: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const rest = names.length - namedMax;
  const more = rest > 0 ? ` and ${rest} more` : '';
  return `${word}: ${names.slice(0, namedMax).join(', ')}${more}`;
}
