/** Turns the wire's words into a reader's words; a word that is not listed stays as it is. */

/** `PaymentAccepted.v1` → `Payment accepted`. */
export function eventTitle(type: string): string {
  const name = type.replace(/\.v\d+$/, '');
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return sentence(spaced);
}

/** `payment_pending` → `Payment pending`. */
export function codeTitle(code: string): string {
  return sentence(code.replaceAll('_', ' '));
}

export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const dialects: Readonly<Record<string, string>> = {
  'x402-v1-exact': 'x402 v1, exact',
  'x402-v2-exact': 'x402 v2, exact',
};

export function dialectTitle(dialect: string): string {
  return dialects[dialect] ?? dialect;
}

/** `0x1234567890…abcdef`: enough of both ends to tell two apart; the whole is one click away. */
export function shortened(hash: string, ends = 6): string {
  const head = hash.startsWith('0x') ? ends + 2 : ends;
  return hash.length <= head + ends + 1 ? hash : `${hash.slice(0, head)}…${hash.slice(-ends)}`;
}

/** The symbol that the session names for an asset; else the end of its id, never a guess. */
export function symbolOf(
  assets: readonly { readonly asset: string; readonly symbol: string }[],
  asset: string,
): string {
  const known = assets.find((info) => info.asset === asset);
  return known?.symbol ?? shortened(asset.slice(asset.lastIndexOf(':') + 1), 4);
}
