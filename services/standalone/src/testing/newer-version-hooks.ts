import { fail } from '@paycrawl/errors/paycrawl-error';

/** Of `node:module`: what the loader hands on to the next hook, and what comes back from it. */
interface Loaded {
  readonly source?: string | ArrayBuffer | Uint8Array;
}
type NextLoad = (url: string, context: object) => Promise<Loaded>;

interface Edit {
  /** Addresses of the built modules that it is made in. */
  readonly modules: readonly RegExp[];
  readonly from: RegExp;
  to(...found: readonly string[]): string;
}

const field = 'postingRule';
/** A service is one file that holds them all; tools load module by module. */
const anyService = /\/services\/(ingress|verifier|metering|settlement|analytics)\/dist\/main\.js$/;

/**
 * What the next release would change: one more field in `ChargePosted`, its upcaster, and the
 * one place that writes it.
 */
const edits: readonly Edit[] = [
  {
    modules: [/\/packages\/events\/dist\/decisions\.js$/, anyService],
    from: /(define(?:\$\d+)?)\(['"]ChargePosted['"], (\d+), \{/,
    to: (_, define = '', version = '') =>
      `${define}('ChargePosted', ${version} + 1, { ${field}: Type.Integer({ minimum: 0 }),`,
  },
  {
    modules: [/\/packages\/events\/dist\/upcasters\.js$/, anyService],
    from: /upcasters = \{/,
    to: (found = '') =>
      `${found} 'ChargePosted.v1': (data) => ({ ...objectOf(data), ${field}: 0 }),`,
  },
  {
    modules: [/\/services\/verifier\/dist\/main\.js$/],
    from: /type: "ChargePosted",\s+data: Object\.assign\(challengedFactsOf\(proof\), \{/,
    to: (found = '') => `${found} ${field}: 1,`,
  },
];

/** A build in which there is nothing to edit ends the process: it would be the old program. */
export async function load(url: string, context: object, nextLoad: NextLoad): Promise<Loaded> {
  const loaded = await nextLoad(url, context);
  const due = edits.filter(({ modules }) => modules.some((module) => module.test(url)));
  if (due.length === 0) return loaded;
  const { source = '' } = loaded;
  let text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
  for (const { from, to } of due) {
    const before = text;
    text = before.replace(from, to);
    if (text === before) throw fail('internal', `nothing to edit in ${url} by ${from}`);
  }
  return { ...loaded, source: text };
}
