import { hasCode } from '@paycrawl/errors/paycrawl-error';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { configCommand, loadConfig, logLevelOf, maskSecrets, variablesOf } from './config.js';

const schema = Type.Object({
  dataDir: Type.String({ default: '.paycrawl' }),
  http: Type.Object({
    port: Type.Integer({ env: 'INGRESS_PORT', minimum: 0, maximum: 65535, default: 4020 }),
    isTrusted: Type.Boolean({ default: false }),
  }),
  fold: Type.Object({ batchSizeMax: Type.Integer({ minimum: 1, default: 512 }) }),
  hosts: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
  quoteKey: Type.Optional(Type.String({ secret: true, minLength: 4 })),
  mode: Type.Union([Type.Literal('embedded'), Type.Literal('distributed')], {
    default: 'embedded',
  }),
});

test('behavior: an empty environment gives every default, also of nested components', () => {
  expect(loadConfig(schema, {})).toEqual({
    dataDir: '.paycrawl',
    http: { port: 4020, isTrusted: false },
    fold: { batchSizeMax: 512 },
    hosts: [],
    mode: 'embedded',
  });
});

test('behavior: variables are named after the path, or as the schema says', () => {
  const env = {
    INGRESS_PORT: '0',
    HTTP_IS_TRUSTED: 'true',
    FOLD_BATCH_SIZE_MAX: '9',
    HOSTS: 'a, b',
  };
  expect(loadConfig(schema, env)).toMatchObject({
    http: { port: 0, isTrusted: true },
    fold: { batchSizeMax: 9 },
    hosts: ['a', 'b'],
  });
});

test('behavior: an empty variable counts as unset', () => {
  expect(loadConfig(schema, { INGRESS_PORT: '' }).http.port).toBe(4020);
});

test.each([
  ['INGRESS_PORT', '80a'],
  ['INGRESS_PORT', '70000'],
  ['INGRESS_PORT', '1.5'],
  ['HTTP_IS_TRUSTED', 'maybe'],
  ['FOLD_BATCH_SIZE_MAX', '0'],
  ['MODE', 'both'],
  ['QUOTE_KEY', 'abc'],
])('error: config_invalid names %s=%s and does not repeat the value', (name, value) => {
  const error = thrownBy(() => loadConfig(schema, { [name]: value }));
  expect(hasCode(error, 'config_invalid')).toBe(true);
  expect(String(error)).toContain(name);
  expect(String(error)).not.toContain(`'${value}'`);
});

test('error: config_invalid names a required variable that is missing', () => {
  const required = Type.Object({ rpc: Type.Object({ url: Type.String() }) });
  expect(String(thrownBy(() => loadConfig(required, {})))).toContain('RPC_URL');
});

test('behavior: --print-config masks secrets, --validate says ok, both exit', () => {
  const lines: string[] = [];
  const run = (argv: string[], env = {}) =>
    configCommand(schema, { argv, env, write: (line) => void lines.push(line) });
  expect(run(['--print-config'], { QUOTE_KEY: 'hush-hush' })).toEqual({
    action: 'exit',
    exitCode: 0,
  });
  expect(lines.join()).toContain('"quoteKey": "***"');
  expect(lines.join()).not.toContain('hush');
  expect(run(['--validate'])).toEqual({ action: 'exit', exitCode: 0 });
  expect(run(['--validate'], { MODE: 'x' })).toEqual({ action: 'exit', exitCode: 1 });
  expect(lines.at(-1)).toContain('MODE');
  expect(run([]).action).toBe('run');
});

test('behavior: masking leaves the value itself alone', () => {
  const value = loadConfig(schema, { QUOTE_KEY: 'hush-hush' });
  expect(maskSecrets(schema, value)).toMatchObject({ quoteKey: '***', dataDir: '.paycrawl' });
  expect(value.quoteKey).toBe('hush-hush');
});

test('behavior: the knobs can be listed for a README', () => {
  expect(variablesOf(schema)).toContainEqual({ name: 'INGRESS_PORT', default: 4020 });
  expect(variablesOf(schema)).toContainEqual({ name: 'QUOTE_KEY', default: undefined });
});

test('behavior: logs are silent under the test runner unless asked for', () => {
  expect(logLevelOf({ VITEST: 'true' })).toBe('silent');
  expect(logLevelOf({ VITEST: 'true', LOG_LEVEL: 'debug' })).toBe('debug');
  expect(logLevelOf({})).toBe('info');
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
