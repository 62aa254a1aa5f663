import { useMutation } from '@tanstack/react-query';
import type { PriceBookAnswer } from '../../api/answers.js';
import { apiErrorOf } from '../../api/api-error.js';
import { replacePriceBook } from '../../api/paycrawl-api.js';
import { useSignedIn } from '../../session/session-context.js';
import { signOutOn401 } from '../../session/signed-out.js';

/** Replaces the book, if `expectedVersion` is still the newest; the API decides. */
export function useReplacement(
  publisher: string,
  expectedVersion: number,
  onReplaced: (answer: PriceBookAnswer) => void,
) {
  const { token } = useSignedIn();
  const mutation = useMutation({
    mutationFn: (book: Readonly<Record<string, unknown>>) =>
      replacePriceBook({ token }, publisher, expectedVersion, book),
    onSuccess: onReplaced,
    onError: signOutOn401,
  });
  const problem = mutation.error === null ? null : apiErrorOf(mutation.error);
  return {
    replace: mutation.mutate,
    isReplacing: mutation.isPending,
    problem,
    forgetProblem: mutation.reset,
  };
}
