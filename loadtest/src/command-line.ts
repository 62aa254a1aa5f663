import { fail } from '@paycrawl/errors/paycrawl-error';

/** What a bench does next, and when, for whoever waits; figures alone go to standard output. */
export function note(what: string): void {
  process.stderr.write(`… ${Math.round(process.uptime())} s: ${what}\n`);
}

export function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw fail('config_invalid', `--${flag}: a whole number`);
  return Number.parseInt(text, 10);
}
