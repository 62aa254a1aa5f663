import { randomBytes } from 'node:crypto';

/**
 * Ids of this process: random once, counted then. Unique across instances and restarts without a
 * random number per request.
 */
export function createIds(prefix: string): () => string {
  const process = randomBytes(9).toString('base64url');
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}${process}-${count.toString(36)}`;
  };
}
