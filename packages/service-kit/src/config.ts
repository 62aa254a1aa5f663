import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import { Kind, OptionalKind, type Static, type TObject, type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/**
 * One schema per service, nested by component; one validated value out of the environment.
 * `http.bodyBytesMax` is read from `HTTP_BODY_BYTES_MAX` unless the schema names another variable
 * by the option `env`. The option `secret: true` masks the value wherever it is printed.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Options that our schemas carry beside TypeBox's own. */
export interface KnobOptions {
  /** The variable, where it is not derived from the path. */
  readonly env?: string;
  readonly secret?: boolean;
  /** Why the default is what it is. */
  readonly description?: string;
}

interface Knob {
  readonly path: readonly string[];
  readonly variable: string;
  readonly schema: TSchema;
  readonly isSecret: boolean;
}

const mask = '***';

/** The environment of this process; services hand it to `loadConfig` in their own config.ts. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Level of the logs: `LOG_LEVEL`, else silent under the test runner, else info. */
export function logLevelOf(env: Environment = process.env): string {
  return env.LOG_LEVEL ?? (env.VITEST === undefined ? 'info' : 'silent');
}

/** Fails with `config_invalid`, naming every variable that is wrong or missing. */
export function loadConfig<S extends TObject>(schema: S, env: Environment): Static<S> {
  const raw: Record<string, unknown> = {};
  const variableOf = new Map<string, string>();
  for (const knob of knobsOf(schema, [])) {
    variableOf.set(`/${knob.path.join('/')}`, knob.variable);
    const text = env[knob.variable];
    // An empty variable is an unset one: compose files and charts pass empty strings for "none".
    if (text !== undefined && text !== '') setAt(raw, knob.path, coerce(knob.schema, text));
  }
  const value = Value.Default(schema, withParents(schema, raw));
  const problems = [...Value.Errors(schema, value)];
  if (problems.length === 0) return value as Static<S>;
  throw invalid(problems, variableOf, schema);
}

/** The value as JSON-ready data with every secret masked; what is logged once at the start. */
export function maskSecrets<S extends TObject>(schema: S, value: Static<S>): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  for (const knob of knobsOf(schema, [])) {
    if (knob.isSecret && getAt(copy, knob.path) !== undefined) setAt(copy, knob.path, mask);
  }
  return copy;
}

export interface ConfigCommand<T> {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly write: (line: string) => void;
  /** Fails with `config_invalid` for what a schema cannot say: which knobs belong together. */
  readonly check?: (config: T) => void;
}

export type ConfigOutcome<T> =
  | { readonly action: 'run'; readonly config: T }
  | { readonly action: 'exit'; readonly exitCode: 0 | 1 };

/**
 * What `main.ts` does first: `--validate` checks the configuration and exits, `--print-config`
 * prints it with secrets masked and exits, anything else runs.
 */
export function configCommand<S extends TObject>(
  schema: S,
  command: ConfigCommand<Static<S>>,
): ConfigOutcome<Static<S>> {
  const validates = command.argv.includes('--validate');
  const prints = command.argv.includes('--print-config');
  const load = (): Static<S> => {
    const config = loadConfig(schema, command.env);
    command.check?.(config);
    return config;
  };
  if (!validates && !prints) return { action: 'run', config: load() };
  try {
    const config = load();
    command.write(prints ? JSON.stringify(maskSecrets(schema, config), null, 2) : 'config ok');
    return { action: 'exit', exitCode: 0 };
  } catch (error) {
    command.write(error instanceof Error ? error.message : String(error));
    return { action: 'exit', exitCode: 1 };
  }
}

/** Every variable that the schema reads, with its default: the knobs table of a README. */
export function variablesOf(schema: TObject): readonly { name: string; default: unknown }[] {
  return knobsOf(schema, []).map((knob) => ({
    name: knob.variable,
    default: knob.isSecret ? undefined : knob.schema.default,
  }));
}

function knobsOf(schema: TObject, path: readonly string[]): Knob[] {
  return Object.entries(schema.properties).flatMap(([key, child]) => {
    const here = [...path, key];
    if (child[Kind] === 'Object') return knobsOf(child as TObject, here);
    const options = child as KnobOptions;
    return [
      {
        path: here,
        variable: options.env ?? here.map(screamingSnake).join('_'),
        schema: child,
        isSecret: options.secret === true,
      },
    ];
  });
}

function screamingSnake(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

/** Text that does not fit is kept as text, so that validation names the variable. */
function coerce(schema: TSchema, text: string): unknown {
  switch (schema[Kind]) {
    case 'Integer':
    case 'Number':
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'Boolean':
      return text === 'true' || text === '1'
        ? true
        : text === 'false' || text === '0'
          ? false
          : text;
    case 'Array':
      return text.split(',').map((item) => coerce(schema.items as TSchema, item.trim()));
    default:
      return text;
  }
}

/** Nested components exist even when none of their variables is set, so that defaults apply. */
function withParents(schema: TObject, raw: Record<string, unknown>): Record<string, unknown> {
  for (const [key, child] of Object.entries(schema.properties)) {
    if (child[Kind] !== 'Object') continue;
    if (raw[key] === undefined && child[OptionalKind] === 'Optional') continue;
    raw[key] = withParents(child as TObject, (raw[key] ?? {}) as Record<string, unknown>);
  }
  return raw;
}

function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = target;
  for (const key of path.slice(0, -1)) {
    node[key] ??= {};
    node = node[key] as Record<string, unknown>;
  }
  node[path.at(-1) as string] = value;
}

function getAt(target: Record<string, unknown>, path: readonly string[]): unknown {
  let node: unknown = target;
  for (const key of path) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = (node as Record<string, unknown>)[key];
  }
  return node;
}

/** The offending value is not repeated: it may be a secret in the wrong variable. */
function invalid(
  problems: readonly { path: string; message: string }[],
  variableOf: ReadonlyMap<string, string>,
  schema: TObject,
): PaycrawlError {
  const said = new Map<string, string>();
  for (const { path, message } of problems) {
    const parts = path.split('/');
    let variable = variableOf.get(path);
    while (variable === undefined && parts.length > 1) {
      parts.pop();
      variable = variableOf.get(parts.join('/'));
    }
    const name = variable ?? path;
    if (!said.has(name)) said.set(name, message);
  }
  const detail = [...said].map(([name, message]) => `${name}: ${message}`).join('; ');
  const known = knobsOf(schema, []).map((knob) => knob.variable);
  return fail('config_invalid', detail, { context: { variables: [...said.keys()], known } });
}
