import type { ChildProcess } from 'node:child_process';
import { fail } from '@paycrawl/errors/paycrawl-error';

/** The next thing that the child says. */
export function told<Message>(from: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(fail('bench_failed', 'a process of the bench ended'));
    from.once('exit', ended);
    from.once('message', (message) => {
      from.off('exit', ended);
      resolve(message as Message);
    });
  });
}
