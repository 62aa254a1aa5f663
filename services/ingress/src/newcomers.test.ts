import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { ask, createFixture, type Fixture, payFor } from './testing/fixture.js';

let fixture: Fixture;
afterEach(() => fixture.close());

/** One newcomer at a time beside known payers, and nobody waits for a place. */
const crowded = {
  INGRESS_NEWCOMERS_ROOM: '1',
  INGRESS_KNOWN_PER_NEWCOMER: '1000000',
  INGRESS_NEWCOMERS_PER_S_MIN: '1',
  INGRESS_NEWCOMERS_WAITING_MAX: '0',
  INGRESS_REFUSAL_HOLD_MS: '0',
};

async function pays(key?: Buffer<ArrayBuffer>): Promise<number> {
  const { headers } = await payFor(fixture, {}, key);
  return (await ask(fixture, { headers })).status;
}

/** Until `end`, one crawl after the other of the payer that everybody knows. */
async function keepBusy(end: AbortSignal): Promise<void> {
  while (!end.aborted) expect(await pays()).toBe(200);
}

test('error: newcomers_overloaded beside known payers; nothing is written, later it is served', async () => {
  fixture = await createFixture({ env: crowded });
  // Alone it waits for nobody.
  expect(await pays()).toBe(200);
  const end = new AbortController();
  const busy = keepBusy(end.signal);
  let late = await payFor(fixture, {}, randomBytes(32));
  const refused = async (): Promise<unknown> => {
    late = await payFor(fixture, {}, randomBytes(32));
    const { status, headers, body } = await ask(fixture, { headers: late.headers });
    return status === 503 ? [headers['retry-after'], JSON.parse(body).code] : status;
  };
  await expect.poll(refused, { timeout: 10_000 }).toEqual(['1', 'newcomers_overloaded']);
  const payers = (await fixture.events('payments')).map(
    ({ data }) => 'payer' in data && data.payer,
  );
  const { from } = late.document.payload.authorization;
  expect(payers).not.toContain(`eip155:84532:${from}`);
  end.abort();
  await busy;
  const served = async () => (await ask(fixture, { headers: late.headers })).status;
  await expect.poll(served, { timeout: 10_000 }).toBe(200);
});

test('behavior: who paid once waits for nobody, until it has no funds', async () => {
  fixture = await createFixture({ env: { ...crowded, PENNILESS_FOR_MS: '1' } });
  const second = randomBytes(32);
  expect(await pays()).toBe(200);
  expect(await pays(second)).toBe(200);
  const end = new AbortController();
  const busy = keepBusy(end.signal);
  await expect.poll(() => pays(randomBytes(32)), { timeout: 10_000 }).toBe(503);
  expect(await pays(second)).toBe(200);
  const { document } = await payFor(fixture, {}, second);
  const { from } = document.payload.authorization;
  fixture.verifier.script = ({ authorization }) =>
    authorization.from === from ? 'insufficient_funds' : 'accept';
  expect(await pays(second)).toBe(402);
  await expect.poll(() => pays(second), { timeout: 10_000 }).toBe(503);
  end.abort();
  await busy;
});
