#!/usr/bin/env node
// k6 for load tests: the one in this folder, else the one on PATH, else built by Go into this
// folder. usage: node infra/tools/k6/k6.mjs [arguments of k6]; without any it says where k6 is.
import { spawnSync } from 'node:child_process';
import { findOrInstallK6 } from '../../../loadtest/dist/k6/k6-program.js';

const k6 = findOrInstallK6((line) => console.error(line));
const args = process.argv.slice(2);
if (args.length === 0) console.log(k6);
else process.exitCode = spawnSync(k6, args, { stdio: 'inherit' }).status ?? 1;
