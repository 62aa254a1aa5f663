import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLogger } from './logger.js';

test('behavior: one JSON object per line, with service, level as a word and masked secrets', () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger({ service: 'ingress', level: 'info', destination });
  logger.debug('not shown');
  logger.info({ token: 'hush', signer: { privateKey: 'hush' } }, 'hello');
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] as string);
  expect(line).toMatchObject({ service: 'ingress', level: 'info', msg: 'hello', token: '***' });
  expect(lines[0]).not.toContain('hush');
});

test('behavior: silent under the test runner', () => {
  expect(createLogger({ service: 'x' }).level).toBe('silent');
});
