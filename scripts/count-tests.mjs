/**
 * `count-tests.mjs <exit code of the run> <vitest JSON report>…`: names what failed and why, adds
 * up, prints the verdict. All of it last, because a long log is often kept only from its end.
 */
import { readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';

const FAILURE_LINES_MAX = 12;

const [exitCode, ...paths] = process.argv.slice(2);
const reports = paths.map((path) => ({ name: basename(path, '.json'), ...readReport(path) }));
const failures = reports.flatMap(failuresOf);
const passed = reports.reduce((sum, { numPassedTests }) => sum + (numPassedTests ?? 0), 0);
// A set-up that broke, an unhandled error, no report at all.
const brokeOutside = failures.length === 0 && (Number(exitCode) !== 0 || passed === 0);
const failed = failures.length + (brokeOutside ? 1 : 0);

for (const failure of failures) process.stdout.write(`${failure}\n`);
if (brokeOutside) process.stdout.write('every test passed, and the run still failed: see above\n');
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

function failuresOf({ name, testResults }) {
  return (testResults ?? []).flatMap(({ name: file, status, message, assertionResults }) => {
    const at = `${name}: ${relative(process.cwd(), file)}`;
    const tests = assertionResults.filter((test) => test.status === 'failed');
    // A file that breaks before its first test has no failed test of its own, and still failed.
    if (status === 'failed' && tests.length === 0) return [explained(at, message ?? '')];
    return tests.map((test) =>
      explained(`${at} › ${test.fullName}`, (test.failureMessages ?? []).join('\n')),
    );
  });
}

function explained(title, message) {
  const lines = message.split('\n').slice(0, FAILURE_LINES_MAX);
  return [`failed: ${title}`, ...lines.map((line) => `    ${line}`)].join('\n');
}
