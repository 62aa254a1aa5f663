/** `count-tests.mjs <exit code of the run> <vitest JSON report>…`: adds up, prints the verdict. */
import { readFileSync } from 'node:fs';

const [exitCode, ...reports] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const path of reports) {
  const report = readReport(path);
  passed += report.numPassedTests ?? 0;
  failed += report.numFailedTests ?? 0;
  // A file that breaks before its first test has no failed test of its own, and still failed.
  for (const { status, assertionResults } of report.testResults ?? []) {
    if (status === 'failed' && !assertionResults.some((one) => one.status === 'failed'))
      failed += 1;
  }
}
// A set-up that broke, an unhandled error, no report at all.
if (failed === 0 && (Number(exitCode) !== 0 || passed === 0)) failed = 1;

process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
