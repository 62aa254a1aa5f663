/**
 * Makes the program that is started with `--import` of this file the next release: the same code,
 * but it writes and reads `ChargePosted` in a version that today's does not know.
 */
import { register } from 'node:module';

register('./newer-version-hooks.js', import.meta.url);
