import { Button, PasswordInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { type ApiError, nextStepOf } from '../api/api-error.js';
import { Wordmark } from '../parts/wordmark.js';
import classes from './sign-in-page.module.css';

export function SignInPage(props: {
  readonly isChecking: boolean;
  readonly isExpired: boolean;
  readonly problem: ApiError | null;
  readonly onToken: (token: string) => void;
}) {
  const [entered, setEntered] = useState('');
  const { problem, isExpired } = props;
  useEffect(() => {
    document.title = 'Sign in · paycrawl';
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = entered.trim();
    if (token !== '') props.onToken(token);
  };
  return (
    <main className={classes.page}>
      <form className={classes.form} onSubmit={submit}>
        <Wordmark />
        <h1 className={classes.title}>What crawlers paid you, to the last unit.</h1>
        <PasswordInput
          label="Access token"
          description="Kept in this tab only and forgotten when it closes."
          size="md"
          autoComplete="current-password"
          autoFocus
          required
          withAsterisk={false}
          value={entered}
          onChange={(event) => setEntered(event.currentTarget.value)}
          error={problem === null ? undefined : <SignInProblem problem={problem} />}
        />
        <Button type="submit" size="md" fullWidth loading={props.isChecking}>
          Sign in
        </Button>
        <p className={classes.foot} role="status">
          {isExpired && problem === null ? 'The token is no longer valid. Sign in again.' : ''}
        </p>
      </form>
    </main>
  );
}

function SignInProblem(props: { readonly problem: ApiError }) {
  const { problem } = props;
  const isWrongToken = problem.status === 401 || problem.status === 403;
  return (
    <span role="alert">
      {isWrongToken ? 'This token is not known here. ' : `${problem.title}. `}
      {isWrongToken ? 'Check that you copied all of it.' : nextStepOf(problem)}{' '}
      <span className="mono">{problem.code}</span>
    </span>
  );
}
