import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateAll } from './docs.js';
import { root } from './tree.js';

/** `npm run docs`: writes what is generated from the code into the tree. */
for (const { path, text } of generateAll()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
