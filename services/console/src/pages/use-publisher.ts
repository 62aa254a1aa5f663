import { useParams } from 'react-router';

/** The publisher that the address names; the API decides whether this token may read it. */
export function usePublisher(): string {
  return useParams().publisher ?? '';
}

export function pathOf(publisher: string, ...rest: readonly string[]): string {
  return `/p/${[publisher, ...rest].map(encodeURIComponent).join('/')}`;
}
