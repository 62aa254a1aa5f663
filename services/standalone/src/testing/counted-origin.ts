import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A publisher's site that counts what it is asked and misbehaves where a test wants it. */
export interface CountedOrigin {
  readonly origin: string;
  asked(path: string): number;
  /** How it answers from now on at this path; a small page where nothing is said. */
  answer(path: string, how: (response: ServerResponse) => void): void;
  close(): Promise<void>;
}

export async function startCountedOrigin(): Promise<CountedOrigin> {
  const counts = new Map<string, number>();
  const answers = new Map<string, (response: ServerResponse) => void>();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    counts.set(path, (counts.get(path) ?? 0) + 1);
    const answer = answers.get(path);
    if (answer !== undefined) return answer(response);
    response.setHeader('content-type', 'text/html');
    response.end(`page ${path}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    asked: (path) => counts.get(path) ?? 0,
    answer: (path, how) => void answers.set(path, how),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
