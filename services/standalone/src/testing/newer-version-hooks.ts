import { fail } from '@paycrawl/errors/paycrawl-error';

/** Of `node:module`: what the loader hands on to the next hook, and what comes back from it. */
interface Loaded {
  readonly source?: string | ArrayBuffer | Uint8Array;
}
type NextLoad = (url: string, context: object) => Promise<Loaded>;

interface Edit {
  /** End of the address of the built module. */
  readonly module: string;
  readonly from: RegExp;
  to(...found: readonly string[]): string;
}

const field = 'postingRule';

/**
 * What the next release would change: one more field in `ChargePosted`, its upcaster, and the
 * one place that writes it.
 */
const edits: readonly Edit[] = [
  {
    module: '/packages/events/dist/decisions.js',
    from: /define\('ChargePosted', (\d+), \{/,
    to: (_, version = '') =>
      `define('ChargePosted', ${version} + 1, { ${field}: Type.Integer({ minimum: 0 }),`,
  },
  {
    module: '/packages/events/dist/upcasters.js',
    from: /upcasters = \{/,
    to: (found = '') =>
      `${found} 'ChargePosted.v1': (data) => ({ ...objectOf(data), ${field}: 0 }),`,
  },
  {
    module: '/services/verifier/dist/admission/post.js',
    from: /type: 'ChargePosted',\s+data: Object\.assign\(challengedFactsOf\(proof\), \{/,
    to: (found = '') => `${found} ${field}: 1,`,
  },
];

/** A build in which there is nothing to edit ends the process: it would be the old program. */
export async function load(url: string, context: object, nextLoad: NextLoad): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  const edit = edits.find(({ module }) => url.endsWith(module));
  if (edit === undefined) return loaded;
  const { source = '' } = loaded;
  const before = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
  const after = before.replace(edit.from, edit.to);
  if (after === before) throw fail('internal', `nothing to edit in ${edit.module}`);
  return { ...loaded, source: after };
}
