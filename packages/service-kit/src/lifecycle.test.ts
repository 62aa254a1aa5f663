import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { createLifecycle, handleSignals } from './lifecycle.js';
import { createLogger } from './logger.js';

const logger = createLogger({ service: 'test' });
const never = () => new Promise<void>(() => undefined);

function signals() {
  const exits: number[] = [];
  const source = Object.assign(new EventEmitter(), {
    exit: (code: number) => void exits.push(code),
  });
  return { source, exits };
}

test('behavior: closes in reverse order of creation, once', async () => {
  const order: string[] = [];
  const lifecycle = createLifecycle({ logger, deadlineMs: 1_000 });
  for (const name of ['log', 'fold', 'http']) lifecycle.onClose(name, () => void order.push(name));
  const [first, second] = await Promise.all([lifecycle.close('a'), lifecycle.close('b')]);
  expect(order).toEqual(['http', 'fold', 'log']);
  expect(second).toBe(first);
  expect(first).toMatchObject({ reason: 'a', failed: [], abandoned: [] });
  expect(lifecycle.signal.aborted).toBe(true);
});

test('behavior: a close that fails is reported and the rest still closes', async () => {
  const lifecycle = createLifecycle({ logger, deadlineMs: 1_000 });
  let isClosed = false;
  lifecycle.onClose('log', () => {
    isClosed = true;
  });
  lifecycle.onClose('fold', () => Promise.reject(new TypeError('stuck')));
  const report = await lifecycle.close('test');
  expect(isClosed).toBe(true);
  expect(report.failed.map(({ name }) => name)).toEqual(['fold']);
});

test('behavior: one deadline for all; what is left is named', async () => {
  const lifecycle = createLifecycle({ logger, deadlineMs: 10 });
  lifecycle.onClose('log', () => undefined);
  lifecycle.onClose('fold', never);
  lifecycle.onClose('http', () => undefined);
  const report = await lifecycle.close('test');
  expect(report).toMatchObject({ closed: ['http'], abandoned: ['fold', 'log'] });
});

test('behavior: what is made while closing is closed too', async () => {
  const lifecycle = createLifecycle({ logger, deadlineMs: 1_000 });
  lifecycle.onClose('http', () => lifecycle.onClose('late', () => undefined));
  expect((await lifecycle.close('test')).closed).toEqual(['http', 'late']);
});

test('behavior: the first signal closes and exits 0, a failed close exits 1', async () => {
  for (const [close, code] of [
    [() => undefined, 0],
    [() => Promise.reject(new TypeError('stuck')), 1],
  ] as const) {
    const { source, exits } = signals();
    const lifecycle = createLifecycle({ logger, deadlineMs: 1_000 });
    lifecycle.onClose('log', close);
    handleSignals(lifecycle, source);
    source.emit('SIGTERM');
    await lifecycle.close('join');
    await Promise.resolve();
    expect(exits).toEqual([code]);
  }
});

test('behavior: a second signal exits at once; handlers can be taken away', () => {
  const { source, exits } = signals();
  const lifecycle = createLifecycle({ logger, deadlineMs: 1_000 });
  lifecycle.onClose('log', never);
  const stop = handleSignals(lifecycle, source);
  source.emit('SIGTERM');
  source.emit('SIGINT');
  expect(exits).toEqual([130]);
  stop();
  expect(source.listenerCount('SIGTERM') + source.listenerCount('SIGINT')).toBe(0);
});
