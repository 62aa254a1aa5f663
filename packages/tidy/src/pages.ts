import { posix } from 'node:path';
import type { Finding } from './source.js';

/** Pages that people read are true as far as a machine can tell. */

interface Page {
  readonly path: string;
  readonly text: string;
}

/** Links to files and folders of the tree that are not there, with or without `#part`. */
export function checkLinks(page: Page, files: readonly string[]): Finding[] {
  const known = new Set(files.flatMap((path) => [path, ...foldersOf(path)]));
  return linksOf(page).flatMap(({ target, line }) => {
    const path = posix.normalize(posix.join(posix.dirname(page.path), target.split('#')[0] ?? ''));
    if (path === posix.dirname(page.path) || known.has(path.replace(/\/$/, ''))) return [];
    return [finding('link', page, line, target, 'nothing is there')];
  });
}

/** Metrics and error codes that a page speaks of and the code does not have. */
export function checkNames(page: Page, code: string, errorCodes: ReadonlySet<string>): Finding[] {
  return page.text.split('\n').flatMap((content, index) => {
    const metrics = [...content.matchAll(/`(paycrawl_[a-z0-9_]+)/g)].map(([, name]) => name ?? '');
    const codes = [...content.matchAll(/errors\.md#([a-z0-9_]+)/g)].map(([, name]) => name ?? '');
    return [
      ...metrics
        .filter((name) => !code.includes(name))
        .map((name) => finding('metric', page, index + 1, name, 'no code measures this')),
      ...codes
        .filter((name) => !errorCodes.has(name))
        .map((name) => finding('error-code', page, index + 1, name, 'no such code')),
    ];
  });
}

function linksOf({ text }: Page): { target: string; line: number }[] {
  return text
    .split('\n')
    .flatMap((content, index) =>
      [...content.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => ({ target: target ?? '', line: index + 1 }))
        .filter(({ target }) => !/^([a-z]+:|#|\/)/.test(target)),
    );
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function finding(
  rule: string,
  page: Page,
  line: number,
  subject: string,
  message: string,
): Finding {
  return { rule, path: page.path, line, subject, message };
}
