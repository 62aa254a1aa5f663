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
 * How long a question waits for company while others are under way: a round trip costs this
 * process and the node some hundred microseconds, whoever shares it.
 */
const gatherMs = 4;

export function createPayerObserver(options: PayerObserverOptions): PayerObserver {
  const known = new Map<string, Known>();
  let queue: Asked[] = [];
  let inFlight = 0;
  let isWoken = false;
  let gathering: NodeJS.Timeout | undefined;

  function wake(): void {
    isWoken = false;
    if (inFlight === 0 || queue.length >= options.batchPayersMax) return pump();
    gathering ??= setTimeout(pump, gatherMs);
  }

  function pump(): void {
    clearTimeout(gathering);
    gathering = undefined;
    while (queue.length > 0 && inFlight < options.batchesInFlightMax) {
      const batch = queue.slice(0, options.batchPayersMax);
      queue = queue.slice(options.batchPayersMax);
      inFlight += 1;
      void askAll(batch, known, options).finally(() => {
        inFlight -= 1;
        pump();
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
  const requests = batch.map(({ question: { payer, asset, nonce } }) => ({
    ...{ payer, asset, nonces: [nonce] },
  }));
  const { head, payers } = await chain.observePayers(requests, depth);
  const seenMs = clock();
  batch.forEach(({ question, resolve }, index) => {
    const { balance, hasCode, nonces } = payers[index] as PayerObservation;
    if (known.size >= payersRememberedMax) known.clear();
    known.set(keyOf(question), { balance, hasCode, headNumber: head.number, seenMs });
    resolve({ balance, hasCode, isNonceUsed: nonces.some(({ used }) => used) });
  });
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
