import { Component, type ReactNode } from 'react';
import { apiErrorOf } from '../api/api-error.js';
import { ProblemNote } from './notes.js';

interface GuardState {
  readonly error: unknown;
}

/** React catches a page's own defect only in a class; this is the one class of the pages. */
export class PageGuard extends Component<{ readonly children: ReactNode }, GuardState> {
  override state: GuardState = { error: null };

  static getDerivedStateFromError(error: unknown): GuardState {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <ProblemNote problem={apiErrorOf(this.state.error)} />;
  }
}
