import { physicalTopic } from '@paycrawl/events/topics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../api.given.js';

const usdc = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const site = {
  name: 'The Daily Page',
  hosts: ['Daily.example', 'www.daily.example:8443'],
  origin: 'https://origin.daily.example/',
  network: 'eip155:84532',
  asset: usdc,
  payTo: `0x${'Ab'.repeat(20)}`,
};
const inOneForm = {
  ...site,
  hosts: ['daily.example', 'www.daily.example:8443'],
  origin: 'https://origin.daily.example',
  asset: usdc.toLowerCase(),
  payTo: `0x${'ab'.repeat(20)}`,
};

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

async function put(id: string, body: object, token = api.tokens.operator) {
  const headers = { authorization: `Bearer ${token}` };
  const url = `/v1/publishers/${id}`;
  const answer = await api.app.inject({ method: 'PUT', url, headers, payload: body });
  return { status: answer.statusCode, body: answer.json() };
}

async function written(): Promise<number> {
  return (await api.log.offsets({ topic: physicalTopic('registry'), partition: 0 })).next;
}

describe('registering a publisher', () => {
  test('behavior: it is in the log, in one form, and read back when it is answered', async () => {
    expect(await put('daily', site)).toEqual({ status: 200, body: { id: 'daily', ...inOneForm } });
    const { body } = await api.get('/v1/publishers', api.tokens.operator);
    expect(body).toEqual({ publishers: [{ id: 'daily', hosts: inOneForm.hosts }] });
    expect((await api.get('/v1/publishers/daily/price-book', api.tokens.operator)).status).toBe(
      200,
    );
  });

  test('behavior: the same once more writes nothing, a change replaces', async () => {
    const before = await written();
    expect((await put('daily', inOneForm)).status).toBe(200);
    expect(await written()).toBe(before);
    const moved = { ...site, origin: 'http://10.0.0.7:8000' };
    expect((await put('daily', moved)).body.origin).toBe('http://10.0.0.7:8000');
    expect(await written()).toBe(before + 1);
  });

  test('error: publisher_host_taken', async () => {
    const { status, body } = await put('other', { ...site, hosts: ['DAILY.example'] });
    expect([status, body.code]).toEqual([409, 'publisher_host_taken']);
  });

  test.each([
    { origin: 'ftp://origin' },
    { origin: 'origin' },
    { origin: 'https://user:pass@origin' },
    { origin: 'https://origin/path' },
    { origin: 'https://origin/?q' },
    { asset: `0x${'1'.repeat(40)}` },
    { network: 'eip155:1' },
    { payTo: `0x${'0'.repeat(40)}` },
    { hosts: ['a.example', 'A.example'] },
  ])('error: publisher_invalid %j', async (wrong) => {
    const before = await written();
    const { status, body } = await put('third', { ...site, hosts: ['third.example'], ...wrong });
    expect([status, body.code]).toEqual([400, 'publisher_invalid']);
    expect(await written()).toBe(before);
  });

  test('error: request_invalid', async () => {
    const wrong = [{}, { ...site, more: 1 }, { ...site, hosts: [] }, { ...site, hosts: ['a b'] }];
    for (const body of wrong) {
      const answer = await put('third', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'request_invalid']);
    }
    expect((await put('No%20Name', site)).status).toBe(400);
  });

  test('error: forbidden', async () => {
    for (const body of [site, {}]) {
      const { status } = await put('pub-1', body, api.tokens.publishers['pub-1']);
      expect(status).toBe(403);
    }
  });
});
