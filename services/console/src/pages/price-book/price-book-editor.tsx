import { Button, SegmentedControl, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { PriceBookAnswer } from '../../api/answers.js';
import type { ApiError } from '../../api/api-error.js';
import { plural } from '../../format/count.js';
import { ProblemNote } from '../../parts/notes.js';
import { Sheet } from '../../parts/sheet.js';
import { BillableFields } from './billable-fields.js';
import { changesBetween, isUnchanged } from './changes.js';
import { ConfirmReplace } from './confirm-replace.js';
import { bookOf, type Draft, draftOf, emptyDraft } from './draft.js';
import { countProblems, type FieldProblems, problemFromApi, problemsOf } from './draft-problems.js';
import { isWhollyKnown, priceBookOf } from './price-book.js';
import classes from './price-book-page.module.css';
import { RuleList } from './rule-list.js';
import { type ReadText, readText } from './text-mode.js';
import { useReplacement } from './use-replacement.js';

/** What is being written: fields, or the text of the whole book. */
type Writing = { readonly as: 'fields'; readonly draft: Draft } | AsText;
interface AsText {
  readonly as: 'text';
  readonly text: string;
}

type Book = Readonly<Record<string, unknown>>;

/** A form of more rules than this would be slow to type in, and nobody writes it by hand. */
const formRulesMax = 200;

export function PriceBookEditor(props: {
  readonly publisher: string;
  readonly base: PriceBookAnswer;
  readonly onClose: () => void;
  readonly onReload: () => Promise<void>;
  readonly onReplaced: (answer: PriceBookAnswer) => void;
}) {
  const { base } = props;
  const [writing, setWriting] = useState(() => writingOf(base.priceBook));
  const replacement = useReplacement(props.publisher, base.version, props.onReplaced);
  const { problem } = replacement;
  const read = readWriting(writing);
  const own = writing.as === 'fields' ? problemsOf(writing.draft) : [];
  const write = (next: Writing) => {
    setWriting(next);
    // What the API said was about the book before this change.
    if (problem !== null) replacement.forgetProblem();
  };
  return (
    <div className={classes.stack}>
      <ModeChoice writing={writing} read={read.book} onWriting={write} />
      {writing.as === 'fields' ? (
        <>
          <RuleList
            draft={writing.draft}
            problems={withApiProblem(own, problem)}
            onDraft={(draft) => write({ as: 'fields', draft })}
          />
          <BillableFields
            draft={writing.draft}
            onDraft={(draft) => write({ as: 'fields', draft })}
          />
        </>
      ) : (
        <TextField
          text={writing.text}
          problem={read.problem}
          onText={(text) => write({ as: 'text', text })}
        />
      )}
      {problem !== null && <Refusal problem={problem} onReload={props.onReload} />}
      <EditorFoot
        base={base}
        book={read.book}
        wrongs={countProblems(own) + (read.problem === undefined ? 0 : 1)}
        isReplacing={replacement.isReplacing}
        onClose={props.onClose}
        onReplace={replacement.replace}
      />
    </div>
  );
}

/** How many fields are wrong, whether anything changed, and the way out: both ways. */
function EditorFoot(props: {
  readonly base: PriceBookAnswer;
  readonly book: Book | undefined;
  readonly wrongs: number;
  readonly isReplacing: boolean;
  readonly onClose: () => void;
  readonly onReplace: (book: Book) => void;
}) {
  const { base, book, wrongs } = props;
  const [isAsking, setAsking] = useState(false);
  const before = base.priceBook ?? { rules: [] };
  const changes = book === undefined ? undefined : changesBetween(before, book);
  const isSame = changes !== undefined && isUnchanged(changes);
  return (
    <div className={classes.foot}>
      <p role="status">{footWords(wrongs, isSame, base.version)}</p>
      <Button variant="default" onClick={props.onClose}>
        Cancel
      </Button>
      <Button
        disabled={wrongs > 0 || changes === undefined || isSame}
        loading={props.isReplacing}
        onClick={() => setAsking(true)}
      >
        Replace
      </Button>
      {changes !== undefined && (
        <ConfirmReplace
          isOpen={isAsking}
          version={base.version}
          changes={changes}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false);
            if (book !== undefined) props.onReplace(book);
          }}
        />
      )}
    </div>
  );
}

/** The API's word stands at its rule, unless the form has a word for the same field. */
function withApiProblem(
  own: readonly FieldProblems[],
  problem: ApiError | null,
): readonly FieldProblems[] {
  const fromApi = problem === null ? undefined : problemFromApi(problem.detail ?? '');
  if (fromApi === undefined) return own;
  return own.map((fields, at) => (at === fromApi.at ? { ...fromApi.problems, ...fields } : fields));
}

function footWords(wrongs: number, isSame: boolean, version: number): string {
  if (wrongs > 0) return `${plural(wrongs, 'field needs', 'fields need')} your attention.`;
  return isSame ? `Same as version ${version}.` : `Changed since version ${version}.`;
}

function Refusal(props: { readonly problem: ApiError; readonly onReload: () => Promise<void> }) {
  const { problem, onReload } = props;
  return (
    <Sheet title="Not replaced">
      <ProblemNote problem={problem} />
      {problem.status === 409 && (
        <Button variant="default" ml={24} mb={20} onClick={() => void onReload()}>
          Load the newest version and drop these edits
        </Button>
      )}
    </Sheet>
  );
}

function ModeChoice(props: {
  readonly writing: Writing;
  readonly read: Book | undefined;
  readonly onWriting: (writing: Writing) => void;
}) {
  const { writing, read, onWriting } = props;
  const canShowFields = read !== undefined && fitsForm(read);
  const choose = (mode: string) => {
    if (read === undefined) return;
    if (mode === 'text') onWriting({ as: 'text', text: textOf(read) });
    else if (canShowFields) onWriting({ as: 'fields', draft: draftOf(priceBookOf(read)) });
  };
  return (
    <SegmentedControl
      aria-label="How to write it"
      w="fit-content"
      value={writing.as}
      onChange={choose}
      data={[
        { value: 'fields', label: 'Fields', disabled: writing.as === 'text' && !canShowFields },
        { value: 'text', label: 'JSON' },
      ]}
    />
  );
}

function TextField(props: {
  readonly text: string;
  readonly problem: string | undefined;
  readonly onText: (text: string) => void;
}) {
  return (
    <Textarea
      className={classes.json ?? ''}
      label="The whole price book"
      autosize
      minRows={16}
      maxRows={40}
      spellCheck={false}
      value={props.text}
      onChange={(event) => props.onText(event.currentTarget.value)}
      error={props.problem}
    />
  );
}

function writingOf(book: Book | null): Writing {
  if (book === null) return { as: 'fields', draft: emptyDraft };
  if (!fitsForm(book)) return { as: 'text', text: textOf(book) };
  return { as: 'fields', draft: draftOf(priceBookOf(book)) };
}

function fitsForm(book: Book): boolean {
  const isShort = Array.isArray(book.rules) && book.rules.length <= formRulesMax;
  return isShort && isWhollyKnown(book) && readText(textOf(book)).problem === undefined;
}

function textOf(book: Book): string {
  return JSON.stringify(book, null, 2);
}

function readWriting(writing: Writing): ReadText {
  if (writing.as === 'text') return readText(writing.text);
  return { book: bookOf(writing.draft), problem: undefined };
}
