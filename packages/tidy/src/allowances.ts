import type { Finding } from './source.js';

/** One place that may break one rule, and why; an allowance that is not needed must go. */
export interface Allowance {
  readonly rule: string;
  readonly path: string;
  /** Part of the line that may; everything else on the path still obeys. */
  readonly subject: string;
  readonly reason: string;
}

export function withoutAllowed(
  findings: readonly Finding[],
  allowances: readonly Allowance[],
): { readonly findings: readonly Finding[]; readonly unused: readonly Allowance[] } {
  const used = new Set<Allowance>();
  const left = findings.filter((one) => {
    const allowance = allowances.find(
      ({ rule, path, subject }) =>
        rule === one.rule && path === one.path && one.subject.includes(subject),
    );
    if (allowance !== undefined) used.add(allowance);
    return allowance === undefined;
  });
  return { findings: left, unused: allowances.filter((allowance) => !used.has(allowance)) };
}

export function print(findings: readonly Finding[]): string[] {
  return findings.map(
    ({ rule, path, line, subject, message }) => `${path}:${line} [${rule}] ${subject} - ${message}`,
  );
}
