import type { Finding, Source } from './source.js';
import { isTest } from './tree.js';

export interface PackageJson {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What is imported is declared where it is imported; hoisting hides the lack until it does not. */
export function checkDeclared(
  source: Source,
  own: PackageJson,
  rootManifest: PackageJson,
): Finding[] {
  const shipped = new Set([own.name, ...Object.keys(own.dependencies ?? {})]);
  const inTests = [own.devDependencies, rootManifest.devDependencies].flatMap((all) =>
    Object.keys(all ?? {}),
  );
  // The console is bundled, and tidy runs from a checkout: all they import is for development.
  const isDevOnly =
    isTest(source.path) || ['@paycrawl/console', '@paycrawl/tidy'].includes(own.name);
  const allowed = isDevOnly ? new Set([...shipped, ...inTests]) : shipped;
  return source.imports
    .filter(({ from }) => !/^(\.|node:|virtual:|\/)/.test(from))
    .filter(({ from, isTypeOnly }) => {
      const name = packageName(from);
      const types = `@types/${name.replace('@', '').replace('/', '__')}`;
      return !(
        allowed.has(name) ||
        (isTypeOnly && [...inTests].some((one) => one === name || one === types))
      );
    })
    .map(({ from, line }) => ({
      rule: 'declared',
      path: source.path,
      line,
      subject: from,
      message: `declare ${packageName(from)} in the package.json of ${own.name}`,
    }));
}

function packageName(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
}

/**
 * What is declared is named in the workspace: an import, or the name of a module as a string where
 * one is resolved at run time. Types belong to what they are the types of.
 */
export function checkUsed(path: string, own: PackageJson, texts: readonly string[]): Finding[] {
  const declared = Object.keys({ ...own.dependencies, ...own.devDependencies });
  return declared
    .filter((name) => {
      const typed = name.replace('@types/', '').replace('__', '/');
      const named = new RegExp(`['"\`](?:${escaped(name)}|${escaped(typed)})(?:/[^'"\`]*)?['"\`]`);
      return !texts.some((text) => named.test(text));
    })
    .map((name) => ({
      rule: 'used',
      path,
      line: 1,
      subject: name,
      message: `nothing in ${own.name} imports it: take it out, with its reference in tsconfig.json`,
    }));
}

function escaped(text: string): string {
  return text.replace(/[^\w/-]/g, '\\$&');
}

/** `tsc -b` builds what a workspace refers to: exactly its own dependencies, all of them first. */
export function referencesOff(own: PackageJson, references: readonly string[]): string[] {
  const declared = Object.keys(own.dependencies ?? {})
    .filter((name) => name.startsWith('@paycrawl/'))
    .map((name) => name.replace('@paycrawl/', ''));
  return [
    ...declared.filter((name) => !references.includes(name)).map((name) => `refer to ${name}`),
    ...references.filter((name) => !declared.includes(name)).map((name) => `declare ${name}`),
  ];
}
