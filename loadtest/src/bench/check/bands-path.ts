import { fileURLToPath } from 'node:url';

/** Beside sources and built programs, so that both find it. */
export const bandsPath = fileURLToPath(new URL('../../../bench-bands.json', import.meta.url));
