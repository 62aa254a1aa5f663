import type { EndListener, Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import { expect, test } from 'vitest';
import type { Served } from '../delivery/job.js';
import { createInFlight, type InFlightOptions } from './in-flight.js';

const page = (bytes: number): Served => ({
  kind: 'answered',
  isPaid: true,
  answer: { status: 200, headers: {}, body: Buffer.alloc(bytes) },
});

function given(options: Partial<InFlightOptions> = {}) {
  let nowMs = 0;
  const inFlight = createInFlight({
    ...{ keepMs: 1_000, keptBytesMax: 100, nowMs: () => nowMs },
    ...options,
  });
  return {
    inFlight,
    pass(ms: number) {
      nowMs += ms;
    },
    /** Presents a proof that takes until `end`; who served it. */
    present(key: string, served: Promise<Served>) {
      let end: EndListener = () => undefined;
      let isGone = false;
      const exchange: Pick<Exchange, 'onEnd'> = {
        onEnd(listener) {
          end = listener;
        },
      };
      const { role, served: got } = inFlight.share(key, exchange as Exchange, (audience) => {
        audience.onGone(() => {
          isGone = true;
        });
        return served;
      });
      return { role, got, hangUp: () => end(false, 0), isGone: () => isGone };
    },
  };
}

test('behavior: a page is kept for its time, and asked for again after it', async () => {
  const { present, pass, inFlight } = given();
  const first = present('a', Promise.resolve(page(10)));
  expect(present('a', Promise.resolve(page(1))).role).toBe('joined');
  expect(inFlight.size()).toBe(1);
  const served = await first.got;
  expect(inFlight.size()).toBe(0);
  pass(999);
  const again = present('a', Promise.resolve(page(1)));
  expect([again.role, await again.got]).toEqual(['joined', served]);
  pass(1);
  expect(present('a', Promise.resolve(page(1))).role).toBe('owner');
});

test('behavior: beyond the bytes that may be kept the oldest pages go first', async () => {
  const { present } = given();
  for (const key of ['a', 'b', 'c']) await present(key, Promise.resolve(page(40))).got;
  expect(present('b', Promise.resolve(page(1))).role).toBe('joined');
  expect(present('c', Promise.resolve(page(1))).role).toBe('joined');
  expect(present('a', Promise.resolve(page(1))).role).toBe('owner');
});

test('behavior: whoever comes after all hung up is served anew, and both pages count', async () => {
  const { present, pass } = given({ keptBytesMax: 59 });
  const [slow, fast] = [held(), held()];
  const left = present('a', slow.promise);
  left.hangUp();
  expect(left.isGone()).toBe(true);
  const came = present('a', fast.promise);
  expect(came.role).toBe('owner');
  fast.resolve(page(30));
  await came.got;
  slow.resolve(page(20));
  await left.got;
  // The page of the first took the place of the second's: 20 + 30 bytes are kept now, not 80.
  await present('b', Promise.resolve(page(30))).got;
  pass(500);
  expect(present('a', Promise.resolve(page(1))).role).toBe('joined');
  pass(500);
  expect(present('a', Promise.resolve(page(1))).role).toBe('owner');
});

function held() {
  let resolve: (served: Served) => void = () => undefined;
  const promise = new Promise<Served>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
