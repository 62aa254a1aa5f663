import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const observability = fileURLToPath(new URL('../../../../infra/observability', import.meta.url));

/** Names of the samples of a `/metrics` output, and of metrics that have no sample yet. */
export function namesRendered(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, declared, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (declared === undefined) return [/^([a-z_][a-z0-9_]*)/i.exec(line)?.[1] ?? ''];
    if (type !== 'histogram') return [declared];
    return ['_bucket', '_count', '_sum'].map((part) => `${declared}${part}`);
  });
}

/** Every metric of the platform that an alert rule or a dashboard asks for. */
export async function metricsNamed(): Promise<string[]> {
  const files = await Promise.all(
    ['alerts', 'grafana/dashboards'].map(async (folder) =>
      (await readdir(join(observability, folder)))
        .filter((name) => /\.(json|yml)$/.test(name) && !name.endsWith('.test.yml'))
        .map((name) => join(observability, folder, name)),
    ),
  );
  const texts = await Promise.all(files.flat().map((path) => readFile(path, 'utf8')));
  const names = texts.flatMap(
    (text) => text.match(/\b(paycrawl|nodejs|process)_[a-z0-9_]+\b/g) ?? [],
  );
  return [...new Set(names)].sort();
}
