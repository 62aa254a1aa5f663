import type { TObject, TSchema } from '@sinclair/typebox';

/**
 * The JSON text of a value, byte for byte as `JSON.stringify` writes it, in half of the time.
 * Undefined where only `JSON.stringify` knows: the value is not as the schema says, or holds text
 * that is escaped or not ASCII.
 */
export type JsonWriter = (value: unknown) => string | undefined;

/** What JSON escapes, or UTF-8 writes in more than a byte. */
const notPlain = /[^ !#-[\]-~]/;

/** Text that JSON writes as it stands, in one byte a character. */
export function isPlainText(text: string): boolean {
  return !notPlain.test(text);
}

/** Writers of one type put its fields in the same few orders again and again. */
const ordersMax = 8;

/** Begins with the order of the schema, and learns others as they come. */
export function createJsonWriter(schema: TObject): JsonWriter {
  const orders = new Set([namesOf(schema.properties)]);
  const writers = [compile(schema)];
  return (value) => {
    for (const write of writers) {
      const text = write(value);
      if (text !== undefined) return text;
    }
    const fields = Object(value) as object;
    if (orders.size === ordersMax || orders.has(namesOf(fields))) return undefined;
    const reordered = inOrderOf(fields, schema);
    if (reordered === undefined) return undefined;
    orders.add(namesOf(fields));
    const write = compile(reordered);
    writers.push(write);
    return write(value);
  };
}

function namesOf(fields: object): string {
  return Object.keys(fields).join();
}

/** What is absent comes last; undefined where the value has a field that the schema has not. */
function inOrderOf(fields: object, schema: TObject): TObject | undefined {
  const { properties } = schema;
  const present = Object.keys(fields);
  if (!present.every((name) => Object.hasOwn(properties, name))) return undefined;
  const names = new Set([...present, ...Object.keys(properties)]);
  const reordered = [...names].map((name) => [name, properties[name] as TSchema] as const);
  return { ...schema, properties: Object.fromEntries(reordered) };
}

/**
 * Straight code for each object of the schema. All strings are gathered in `plain` and looked
 * through at once: to look at each by itself costs more than to write it.
 */
function compile(schema: TSchema): JsonWriter {
  const declarations: string[] = [];
  const whole = templateOf(schema, 'value', declarations);
  const source = `'use strict';
    let plain = '';
    function give() { plain = '"'; return ''; }
    ${declarations.join('\n')}
    return (value) => {
      plain = '';
      const text = \`${whole}\`;
      return isPlainText(plain) ? text : undefined;
    };`;
  return new Function('isPlainText', source)(isPlainText) as JsonWriter;
}

/** What a template literal holds where the value of the expression `value` is to be written. */
function templateOf(schema: TSchema, value: string, declarations: string[]): string {
  if (isText(schema)) return `"\${${value}}"`;
  if (schema.type === 'integer' || schema.type === 'boolean') return `\${${value}}`;
  const name = `write${declarations.length}`;
  const place = declarations.push('') - 1;
  declarations[place] = `function ${name}(value) { ${bodyOf(schema, declarations)} }`;
  return `\${${name}(${value})}`;
}

function isText(schema: TSchema): boolean {
  if (schema.anyOf !== undefined) return (schema.anyOf as TSchema[]).every(isText);
  return schema.type === 'string';
}

function bodyOf(schema: TSchema, declarations: string[]): string {
  const [first] = Object.keys(schema.properties ?? {});
  const isPlainObject = schema.type === 'object' && schema.properties !== undefined;
  // A first field that may be absent would leave the next one with a comma.
  if (isPlainObject && (first === undefined || schema.required?.includes(first))) {
    return objectBody(schema as TObject, declarations);
  }
  if (schema.type === 'array') return arrayBody(schema.items, declarations);
  // Unions of objects and what may be anything: rare, or small.
  return `
    const text = JSON.stringify(value);
    return text !== undefined && /^[ -~]*$/.test(text) ? text : give();`;
}

function objectBody({ properties, required = [] }: TObject, declarations: string[]): string {
  const names = Object.keys(properties);
  const fields = names.map((name, at) => {
    const schema = properties[name] as TSchema;
    const value = `value.${name}`;
    const written = templateOf(schema, value, declarations);
    const template = `${at === 0 ? '' : ','}"${name}":${written}`;
    const check = checkOf(schema, value);
    const gathered = isText(schema) ? [value] : [];
    if (required.includes(name)) return { check, gathered, template };
    return {
      check: `(${value} === undefined || ${check})`,
      gathered: gathered.map(() => `(${value} ?? '')`),
      template: `\${${value} === undefined ? '' : \`${template}\`}`,
    };
  });
  const gathered = fields.flatMap((field) => field.gathered);
  return `
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return give();
    ${orderCheck(names, declarations)}
    if (!(${['true', ...fields.map(({ check }) => check)].join(' && ')})) return give();
    plain += ${["''", ...gathered].join(' + ')};
    return \`{${fields.map(({ template }) => template).join('')}}\`;`;
}

/** Fields stand in the order of the schema, and there are no others. */
function orderCheck(names: readonly string[], declarations: string[]): string {
  const known = `names${declarations.length}`;
  declarations.push(`const ${known} = ${JSON.stringify(names)};`);
  return `
    let at = 0;
    for (const name in value) {
      while (name !== ${known}[at]) if (++at >= ${names.length}) return give();
      at++;
    }`;
}

function arrayBody(items: TSchema, declarations: string[]): string {
  return `
    if (!Array.isArray(value)) return give();
    let text = '';
    for (let at = 0; at < value.length; at++) {
      const part = value[at];
      if (!(${checkOf(items, 'part')})) return give();
      ${isText(items) ? 'plain += part;' : ''}
      text += \`\${at === 0 ? '' : ','}${templateOf(items, 'part', declarations)}\`;
    }
    return \`[\${text}]\`;`;
}

/** What must hold before the value is written; objects and arrays see for themselves. */
function checkOf(schema: TSchema, value: string): string {
  if (isText(schema)) return `typeof ${value} === 'string'`;
  if (schema.type === 'integer') return `Number.isFinite(${value})`;
  if (schema.type === 'boolean') return `typeof ${value} === 'boolean'`;
  return 'true';
}
