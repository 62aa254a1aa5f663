import { fail } from '@paycrawl/errors/paycrawl-error';

/** One service of the file while it is started: who it waits for, and how it begins and ends. */
export interface Node {
  readonly name: string;
  readonly after: readonly string[];
  /**
   * Resolves when those that wait for it may begin: ready, or done if it is a job. When the signal
   * comes first, it leaves nothing behind and rejects.
   */
  start(signal: AbortSignal): Promise<Started>;
}

export interface Started {
  /** What the person is told: `ready`, `done`, an address. */
  readonly said: string;
  close(): Promise<void>;
}

export interface Progress {
  begun(name: string): void;
  ended(name: string, said: string, ms: number): void;
}

export interface Graph {
  /** Rejects with the first failure; what was started stays until it is closed. */
  readonly ready: Promise<void>;
  /** In the reverse order of dependencies: nobody loses what it stands on while it finishes. */
  close(): Promise<void>;
}

/** Starts everything, each as soon as what it waits for is there. */
export function startGraph(nodes: readonly Node[], progress: Progress): Graph {
  refuseCycles(nodes);
  const abort = new AbortController();
  const running = new Map<string, Promise<Started>>();
  const begin = (node: Node): Promise<Started> => {
    const known = running.get(node.name);
    if (known !== undefined) return known;
    const before = nodes.filter(({ name }) => node.after.includes(name));
    const promise = Promise.all(before.map(begin)).then(async () => {
      abort.signal.throwIfAborted();
      progress.begun(node.name);
      const beganMs = performance.now();
      const started = await node.start(abort.signal);
      progress.ended(node.name, started.said, performance.now() - beganMs);
      return started;
    });
    running.set(node.name, promise);
    return promise;
  };
  const ready = Promise.all(nodes.map(begin)).then(() => undefined);
  return { ready, close: closer(nodes, running, abort) };
}

function closer(
  nodes: readonly Node[],
  running: ReadonlyMap<string, Promise<Started>>,
  abort: AbortController,
): () => Promise<void> {
  const closed = new Map<string, Promise<void>>();
  const closeOne = async (name: string, dependents: readonly Node[]): Promise<void> => {
    await Promise.all(dependents.map((node) => close(node.name)));
    // One that did not start has cleaned up after itself.
    const started = await running.get(name)?.catch(() => undefined);
    await started?.close();
  };
  const close = (name: string): Promise<void> => {
    const known = closed.get(name);
    if (known !== undefined) return known;
    const promise = closeOne(
      name,
      nodes.filter(({ after }) => after.includes(name)),
    );
    closed.set(name, promise);
    return promise;
  };
  return async () => {
    abort.abort(fail('start_interrupted', 'The start was interrupted.'));
    const outcomes = await Promise.allSettled(nodes.map(({ name }) => close(name)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
}

function refuseCycles(nodes: readonly Node[]): void {
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      throw fail('config_invalid', `docker-compose.yml: ${name} waits for itself`);
    }
    const after = nodes.find((node) => node.name === name)?.after ?? [];
    for (const next of after) visit(next, [...path, name]);
  };
  for (const { name } of nodes) visit(name, []);
}
