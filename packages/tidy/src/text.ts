import type { Finding } from './source.js';

/** Rules about the plain text of any tracked file, whatever its language. */

// Written in pieces, so that this file obeys its own rules.
const leftover = ['FIX', 'ME'].join('');
const homes = ['home', 'root', 'work', 'Users', 'tmp', 'mnt'].join('|');
const absolutePath = new RegExp(`(^|["'\`\\s(=:])/(${homes})/[\\w.-]`);
const registryHosts = new RegExp(
  [
    'registry\\.npm' + 'js',
    'registry\\.yarn' + 'pkg',
    'files\\.python' + 'hosted',
    'arti' + 'factory',
  ].join('|'),
  'i',
);

const rules: readonly { rule: string; pattern: RegExp; message: string }[] = [
  {
    rule: 'leftover',
    pattern: new RegExp(`\\b${leftover}\\b`),
    message: 'do it, or write it down',
  },
  {
    rule: 'absolute-path',
    pattern: absolutePath,
    message: 'a path of one machine: derive it from the file, os.tmpdir() or a setting',
  },
  {
    rule: 'registry-host',
    pattern: registryHosts,
    message: 'where packages come from is a setting of the machine',
  },
];

/** Documents of other people are quoted as they are. */
const quoted = /^services\/standalone\/site\//;
const binary = /\.(png|jpe?g|gif|webp|ico|woff2?|bin|gz)$/;

export function checkText(path: string, text: string): Finding[] {
  if (quoted.test(path) || binary.test(path)) return [];
  return text.split('\n').flatMap((content, index) =>
    rules
      .filter(({ pattern }) => pattern.test(content))
      .map(({ rule, message }) => ({
        rule,
        path,
        line: index + 1,
        subject: content.trim().slice(0, 80),
        message,
      })),
  );
}

const vague = /(^|\/)(utils?|helpers?|common|shared|misc)(\.[a-z-]+)?(\.tsx?|\/)/;
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*\.tsx?$/;

/** Files are kebab-case and named after what they hold. */
export function checkName(path: string): Finding[] {
  const name = path.split('/').at(-1) ?? path;
  const say = (message: string): Finding => ({
    rule: 'name',
    path,
    line: 1,
    subject: path,
    message,
  });
  if (vague.test(path)) return [say('name the file by what it holds')];
  if (/\.tsx?$/.test(name) && !kebab.test(name)) return [say('file names are kebab-case')];
  return [];
}

const readmeHeadings = ['Owns', 'Consumes', 'Emits', 'Invariants', 'Failure modes', 'Knobs'];

/** Headings that the README of a service lacks. */
export function missingHeadings(readme: string): string[] {
  const present = new Set(
    readme
      .split('\n')
      .filter((line) => /^#{2,3} /.test(line))
      .map((line) => line.replace(/^#+ /, '').trim().toLowerCase()),
  );
  return readmeHeadings.filter((heading) => !present.has(heading.toLowerCase()));
}
