import { fail } from '@paycrawl/errors/paycrawl-error';
import { expect, onTestFinished, test } from 'vitest';
import { createHealth } from './health.js';
import { createHttp, listen, registerOperations } from './http.js';
import { createLogger } from './logger.js';
import { createMetrics } from './metrics.js';

function build() {
  const health = createHealth();
  const metrics = createMetrics({ service: 'test' });
  const app = createHttp({ logger: createLogger({ service: 'test' }), fastify: { bodyLimit: 64 } });
  onTestFinished(() => app.close());
  registerOperations(app, { health, metrics });
  app.get('/known', () => {
    throw fail('log_unavailable', 'The log cannot be written.', {
      context: { retryAfterMs: 2_500, path: 'private' },
    });
  });
  app.get('/unknown', () => {
    throw new TypeError('private detail');
  });
  const body = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  app.post('/body', { schema: { body } }, () => 'ok');
  return { app, health };
}

test('behavior: a known error is its problem, 503 with Retry-After, context kept private', async () => {
  const response = await build().app.inject('/known');
  expect(response.statusCode).toBe(503);
  expect(response.headers['retry-after']).toBe('3');
  expect(response.headers['content-type']).toContain('application/problem+json');
  expect(response.json()).toMatchObject({ code: 'log_unavailable', status: 503 });
  expect(response.body).not.toContain('private');
});

test('error: internal', async () => {
  const response = await build().app.inject('/unknown');
  expect(response.json()).toMatchObject({ code: 'internal', status: 500 });
  expect(response.body).not.toContain('private detail');
});

test('error: route_not_found', async () => {
  const response = await build().app.inject('/nowhere');
  expect(response.json()).toMatchObject({ code: 'route_not_found', status: 404 });
});

test.each([
  ['request_invalid', 400, 'application/json', '{"n":"x"}'],
  ['request_invalid', 400, 'application/json', '{'],
  ['body_too_large', 413, 'application/json', JSON.stringify({ n: 'x'.repeat(100) })],
  ['media_type_unsupported', 415, 'application/x-unknown', 'x'],
])('error: %s', async (code, status, contentType, payload) => {
  const headers = { 'content-type': contentType };
  const response = await build().app.inject({ method: 'POST', url: '/body', headers, payload });
  expect(response.json()).toMatchObject({ code, status });
});

test('behavior: probes and metrics answer', async () => {
  const { app, health } = build();
  expect((await app.inject('/readyz')).statusCode).toBe(503);
  health.markReady();
  expect((await app.inject('/readyz')).statusCode).toBe(200);
  expect((await app.inject('/livez')).json()).toEqual({ status: 'ok', checks: {} });
  expect((await app.inject('/metrics')).headers['content-type']).toContain('text/plain');
});

test('behavior: listen names the origin that was really bound', async () => {
  const { app } = build();
  const origin = await listen(app, { host: '127.0.0.1', port: 0 });
  expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect((await fetch(`${origin}/livez`)).status).toBe(200);
});
