import { type CatalogueEntry, catalogue } from '@paycrawl/errors/catalogue';
import { allDefinitions, eventsByTopic } from '@paycrawl/events/event';
import {
  generationOf,
  physicalTopic,
  type TopicName,
  topicDefinitions,
} from '@paycrawl/events/topics';
import { generateDashboards } from './dashboards.js';
import { filesOfTree, readTree } from './tree.js';

/** Pages and data that are made from the code, so that they cannot say anything else. */
export interface Generated {
  readonly path: string;
  readonly text: string;
}

export function generateAll(): readonly Generated[] {
  return [
    { path: 'docs/errors.md', text: errorsPage() },
    { path: 'docs/events.md', text: eventsPage(eventComments()) },
    ...topicFiles(),
    ...generateDashboards(),
  ];
}

const notice = '<!-- Made by `npm run docs` from the code; edit the code. -->\n\n';

function errorsPage(): string {
  const entries = Object.entries<CatalogueEntry>(catalogue).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = entries.map(
    ([code, { status, retryable, title, next }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title}. | ${next} |`,
  );
  return `${notice}# Error codes

Every error leaves paycrawl as an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem with a
\`code\` of this list; a refusal in an event carries one too. *Again* says whether the same request
may succeed later; a 503 always comes with \`Retry-After\`.

| code | status | again | what it means | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function eventsPage(comments: ReadonlyMap<string, string>): string {
  const topics = Object.entries(eventsByTopic).map(([topic, definitions]) => {
    const { partitioning, retention, writtenBy } = topicDefinitions[topic as TopicName];
    const kept = retention === 'forever' ? 'for ever' : 'for a time (a setting)';
    const key = partitioning === 'one' ? 'one partition' : `key: ${partitioning}`;
    const head = `## \`${topic}\`\n\n${key} · kept ${kept} · written by ${writtenBy.join(', ')}\n`;
    return `${head}\n${definitions.map((one) => eventSection(one, comments)).join('\n')}`;
  });
  return `${notice}# Events

${allDefinitions.length} types. The envelope is CloudEvents 1.0 (\`id\`, \`source\`, \`type\`, time); an output of a fold
carries its cause instead of an id: topic, partition, offset, index. Amounts are decimal strings of
atomic units. A golden example of each is in \`packages/events/vectors/\`.

${topics.join('\n')}`;
}

interface SchemaJson {
  readonly type?: string;
  readonly const?: unknown;
  readonly pattern?: string;
  readonly anyOf?: readonly SchemaJson[];
  readonly items?: SchemaJson;
  readonly properties?: Readonly<Record<string, SchemaJson>>;
  readonly required?: readonly string[];
}

function eventSection(
  definition: (typeof allDefinitions)[number],
  comments: ReadonlyMap<string, string>,
): string {
  const { properties = {}, required = [] } = definition.schema as SchemaJson;
  const rows = Object.entries(properties).map(
    ([name, schema]) =>
      `| \`${name}\` | ${typeName(schema)} | ${required.includes(name) ? '' : 'optional'} |`,
  );
  const comment = comments.get(definition.type);
  const table =
    rows.length === 0 ? 'No data.' : `| field | type | |\n|---|---|---|\n${rows.join('\n')}`;
  const said = comment === undefined ? '' : `${comment}\n\n`;
  return `### \`${definition.type}.v${definition.version}\`\n\n${said}${table}\n`;
}

const patternNames: readonly (readonly [RegExp, string])[] = [
  [/\[1-9\]\[0-9\]\{0,77\}/, 'amount or number, decimal string'],
  [/\[0-9a-f\]\{40\}/, 'address'],
  [/\[0-9a-f\]\{64\}/, '32 bytes, hex'],
  [/\[0-9a-f\]\{2\}/, 'bytes, hex'],
  [/:\[-\.%/, 'account (CAIP-10)'],
  [/\{3,8\}:/, 'network (CAIP-2)'],
];

function typeName(schema: SchemaJson): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeName).join(' or ');
  if (schema.type === 'array') return `list of ${typeName(schema.items ?? {})}`;
  if (schema.type === 'object') return `{ ${Object.keys(schema.properties ?? {}).join(', ')} }`;
  const { pattern } = schema;
  const named = pattern && patternNames.find(([known]) => known.test(pattern))?.[1];
  return named || schema.type || 'any';
}

/** The comment above `export const X = define('X', …` says what the event means. */
function eventComments(): Map<string, string> {
  const comments = new Map<string, string>();
  const pattern = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const \w+ = define\(\s*'(\w+)'/g;
  for (const path of filesOfTree().filter((one) =>
    /^packages\/events\/src\/[^/]+\.ts$/.test(one),
  )) {
    for (const [, comment, type] of readTree(path).matchAll(pattern)) {
      const lines = (comment ?? '').split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trim());
      comments.set(type ?? '', lines.filter((line) => line !== '').join(' '));
    }
  }
  return comments;
}

/** One file per topic, as data for whatever creates topics in a cluster. */
function topicFiles(): Generated[] {
  return (Object.keys(topicDefinitions) as TopicName[]).map((name) => {
    const { partitioning, retention, writtenBy } = topicDefinitions[name];
    const config = {
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'LogAppendTime',
      ...(retention === 'forever' ? { 'retention.ms': '-1' } : {}),
    };
    const topic = {
      name: physicalTopic(name),
      generation: generationOf(physicalTopic(name)),
      partitioning,
      retention,
      writtenBy,
      config,
    };
    return { path: `infra/kafka/topics/${name}.json`, text: `${asJson(topic)}\n` };
  });
}

/** As the formatter has it: lists of words on one line. */
function asJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text.replace(/\[\s*("[^\]]*")\s*\]/g, (_list, words: string) => {
    return `[${words.replace(/\s*\n\s*/g, ' ')}]`;
  });
}
