import type { Chain, PayerObservation, PayerRequest } from '@paycrawl/chain/chain';

/**
 * What the chain says about a payer and one nonce. Questions that come side by side, or while
 * others are under way, share one round trip; balance and code of a payer are asked once per
 * `freshMs`, nonces always.
 */
export interface PayerObserver {
  observe(question: PayerQuestion): Promise<PayerState>;
}

export interface PayerQuestion {
  readonly payer: PayerRequest['payer'];
  readonly asset: PayerRequest['asset'];
  readonly nonce: PayerRequest['nonces'][number];
}

export interface PayerState {
  readonly balance: bigint;
  readonly hasCode: boolean;
  readonly isNonceUsed: boolean;
}

export interface PayerObserverOptions {
  readonly chain: Chain;
  readonly depth: number;
  readonly batchPayersMax: number;
  readonly batchesInFlightMax: number;
  /** About one block: nothing changes in between. */
  readonly freshMs: number;
  readonly payersRememberedMax: number;
  clock(): number;
}

interface Asked {
  readonly question: PayerQuestion;
  resolve(state: PayerState): void;
  reject(error: unknown): void;
}

interface Known {
  readonly balance: bigint;
  readonly hasCode: boolean;
  readonly headNumber: number;
  readonly seenMs: number;
}

/**
 * How long a question waits for company while others are under way, or just shared a round trip:
 * one costs this process and the node some hundred microseconds, whoever shares it.
 */
const gatherMs = 2;

export function createPayerObserver(options: PayerObserverOptions): PayerObserver {
  const known = new Map<string, Known>();
  let queue: Asked[] = [];
  let inFlight = 0;
  let lastShared = 1;
  let isWoken = false;
  let gathering: NodeJS.Timeout | undefined;

  function wake(): void {
    isWoken = false;
    const isAlone = inFlight === 0 && lastShared === 1;
    if (isAlone || queue.length >= options.batchPayersMax) return pump();
    gathering ??= setTimeout(pump, gatherMs);
  }

  function pump(): void {
    clearTimeout(gathering);
    gathering = undefined;
    while (queue.length > 0 && inFlight < options.batchesInFlightMax) {
      const batch = queue.slice(0, options.batchPayersMax);
      queue = queue.slice(options.batchPayersMax);
      inFlight += 1;
      lastShared = batch.length;
      void askAll(batch, known, options).finally(() => {
        const wasFull = inFlight === options.batchesInFlightMax;
        inFlight -= 1;
        if (wasFull) pump();
      });
    }
  }

  return {
    observe: (question) =>
      new Promise((resolve, reject) => {
        queue.push({ question, resolve, reject });
        if (isWoken) return;
        isWoken = true;
        setImmediate(wake);
      }),
  };
}

async function askAll(
  batch: readonly Asked[],
  known: Map<string, Known>,
  options: PayerObserverOptions,
): Promise<void> {
  const freshFromMs = options.clock() - options.freshMs;
  const fresh = new Map<PayerQuestion['asset'], { asked: Asked; payer: Known }[]>();
  const rest: Asked[] = [];
  for (const asked of batch) {
    const { asset } = asked.question;
    const payer = known.get(keyOf(asked.question));
    if (payer === undefined || payer.seenMs < freshFromMs) rest.push(asked);
    else {
      const list = fresh.get(asset) ?? [];
      list.push({ asked, payer });
      fresh.set(asset, list);
    }
  }
  await Promise.all([
    settling(rest, () => observePayers(rest, known, options)),
    ...[...fresh].map(([asset, list]) =>
      settling(
        list.map(({ asked }) => asked),
        () => askNonces(asset, list, options),
      ),
    ),
  ]);
}

async function settling(batch: readonly Asked[], ask: () => Promise<void>): Promise<void> {
  if (batch.length === 0) return;
  try {
    await ask();
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

async function observePayers(
  batch: readonly Asked[],
  known: Map<string, Known>,
  { chain, depth, clock, payersRememberedMax }: PayerObserverOptions,
): Promise<void> {
  // One request for a payer, whoever asks about it.
  const byPayer = new Map<string, Asked[]>();
  for (const asked of batch) {
    const key = keyOf(asked.question);
    const list = byPayer.get(key);
    if (list === undefined) byPayer.set(key, [asked]);
    else list.push(asked);
  }
  const requests = [...byPayer.values()].map((list) => {
    const { payer, asset } = (list[0] as Asked).question;
    return { payer, asset, nonces: list.map(({ question }) => question.nonce) };
  });
  const { head, payers } = await chain.observePayers(requests, depth);
  const seenMs = clock();
  let index = 0;
  for (const [key, list] of byPayer) {
    const { balance, hasCode, nonces } = payers[index++] as PayerObservation;
    if (known.size >= payersRememberedMax) known.clear();
    known.set(key, { balance, hasCode, headNumber: head.number, seenMs });
    list.forEach(({ resolve }, at) => {
      resolve({ balance, hasCode, isNonceUsed: nonces[at]?.used !== false });
    });
  }
}

async function askNonces(
  asset: PayerQuestion['asset'],
  list: readonly { readonly asked: Asked; readonly payer: Known }[],
  { chain }: PayerObserverOptions,
): Promise<void> {
  const blockNumber = Math.max(...list.map(({ payer }) => payer.headNumber));
  const authorizations = list.map(({ asked: { question } }) => ({
    authorizer: question.payer,
    nonce: question.nonce,
  }));
  const used = await chain.authorizationStates({ asset, authorizations, blockNumber });
  list.forEach(({ asked, payer: { balance, hasCode } }, index) => {
    asked.resolve({ balance, hasCode, isNonceUsed: used[index] !== false });
  });
}

function keyOf({ payer, asset }: PayerQuestion): string {
  return `${payer}/${asset}`;
}
