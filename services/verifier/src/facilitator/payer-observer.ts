import type { Chain, PayerObservation, PayerRequest } from '@paycrawl/chain/chain';

/** Questions that come side by side share one round trip to the chain. */
export interface PayerObserver {
  observe(request: PayerRequest): Promise<PayerObservation>;
}

export interface PayerObserverOptions {
  readonly chain: Chain;
  readonly depth: number;
  readonly batchPayersMax: number;
  readonly batchesInFlightMax: number;
}

interface Asked {
  readonly request: PayerRequest;
  resolve(observation: PayerObservation): void;
  reject(error: unknown): void;
}

export function createPayerObserver(options: PayerObserverOptions): PayerObserver {
  const { chain, depth, batchPayersMax, batchesInFlightMax } = options;
  let queue: Asked[] = [];
  let inFlight = 0;
  let isWoken = false;

  function pump(): void {
    isWoken = false;
    while (queue.length > 0 && inFlight < batchesInFlightMax) {
      const batch = queue.slice(0, batchPayersMax);
      queue = queue.slice(batchPayersMax);
      inFlight += 1;
      void ask(batch).finally(() => {
        inFlight -= 1;
        pump();
      });
    }
  }

  async function ask(batch: readonly Asked[]): Promise<void> {
    try {
      const requests = batch.map(({ request }) => request);
      const { payers } = await chain.observePayers(requests, depth);
      batch.forEach(({ resolve }, index) => void resolve(payers[index] as PayerObservation));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    observe: (request) =>
      new Promise((resolve, reject) => {
        queue.push({ request, resolve, reject });
        if (isWoken) return;
        isWoken = true;
        setImmediate(pump);
      }),
  };
}
