import { createRequire } from 'node:module';
import { moreAiAgents } from './ai-agents.js';

/** Who says it is asking. A user agent is a claim: it decides who is asked to pay, not who paid. */
export interface Crawler {
  readonly name: string;
  readonly kind: 'ai-agent' | 'search-engine' | 'other-bot' | 'person';
}

interface KnownAgent {
  readonly pattern: string;
  readonly tags?: readonly string[];
}

interface Signature {
  readonly expression: RegExp;
  readonly crawler: Crawler;
  /** AI agents first, then the more telling (longer) pattern. */
  readonly rank: number;
}

const gramLength = 4;
const userAgentLengthMax = 1024;
const rememberedMax = 10_000;
const person: Crawler = { name: 'browser', kind: 'person' };
const nameless: Crawler = { name: 'unnamed', kind: 'other-bot' };
const browserLike = /^(?:Mozilla|Opera)\//;
const firstProduct = /^[\w.!#$%&'*+^`|~-]{1,100}/;

// A JSON import would print a warning on Node 20.
const list: readonly KnownAgent[] = createRequire(import.meta.url)('crawler-user-agents');
const index = indexOf([
  ...moreAiAgents.map((name): KnownAgent => ({ pattern: literally(name), tags: ['ai-crawler'] })),
  ...list,
]);
// Two generations instead of an order of use: moving an entry in a large Map costs 60 µs.
let recent = new Map<string, Crawler>();
let older = new Map<string, Crawler>();

/** The same answer for the same text; remembered, because a few agents send most requests. */
export function recogniseCrawler(userAgent: string): Crawler {
  const text = userAgent.slice(0, userAgentLengthMax);
  const known = recent.get(text);
  if (known !== undefined) return known;
  const crawler = older.get(text) ?? search(text);
  if (recent.size >= rememberedMax) {
    older = recent;
    recent = new Map();
  }
  recent.set(text, crawler);
  return crawler;
}

function search(text: string): Crawler {
  let best: Signature | undefined;
  const lower = text.toLowerCase();
  const consider = (signature: Signature): void => {
    if (best !== undefined && signature.rank <= best.rank) return;
    if (signature.expression.test(text)) best = signature;
  };
  for (const signature of index.always) consider(signature);
  for (let i = 0; i + gramLength <= lower.length; i++) {
    for (const signature of index.byGram.get(lower.slice(i, i + gramLength)) ?? []) {
      consider(signature);
    }
  }
  if (best !== undefined) return best.crawler;
  if (browserLike.test(text)) return person;
  const product = firstProduct.exec(text)?.[0];
  return product === undefined ? nameless : { name: product, kind: 'other-bot' };
}

interface Index {
  /** Patterns by four characters that every match contains; most texts hit none of them. */
  readonly byGram: ReadonlyMap<string, readonly Signature[]>;
  readonly always: readonly Signature[];
}

function indexOf(agents: readonly KnownAgent[]): Index {
  const grams = agents.map(({ pattern }) => gramsOf(pattern));
  const counts = new Map<string, number>();
  for (const gram of grams.flat()) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  const byGram = new Map<string, Signature[]>();
  const always: Signature[] = [];
  for (const [i, agent] of agents.entries()) {
    const signature = signatureOf(agent);
    const candidates = grams[i] ?? [];
    const rarest = candidates.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))[0];
    if (rarest === undefined) always.push(signature);
    else byGram.set(rarest, [...(byGram.get(rarest) ?? []), signature]);
  }
  return { byGram, always };
}

/** Four-character pieces of the parts of a pattern that stand for themselves, lower case. */
function gramsOf(pattern: string): string[] {
  // With alternatives no single piece is sure to be there.
  if (/[|()?*+{]/.test(pattern.replace(/\\./g, '').replaceAll('[\\s\\S]*', ''))) return [];
  const plain = pattern
    .replaceAll('[\\s\\S]*', '\n')
    .replace(/\[[^\]]*\]|(?<!\\)[.^$]|\\[a-zA-Z]/g, '\n')
    .replace(/\\(.)/g, '$1')
    .toLowerCase();
  const pieces: string[] = [];
  for (const run of plain.split('\n')) {
    for (let i = 0; i + gramLength <= run.length; i++) pieces.push(run.slice(i, i + gramLength));
  }
  return pieces;
}

function signatureOf({ pattern, tags = [] }: KnownAgent): Signature {
  const isAi = tags.includes('ai-crawler');
  let kind: Crawler['kind'] = 'other-bot';
  if (isAi) kind = 'ai-agent';
  else if (tags.includes('search-engine')) kind = 'search-engine';
  return {
    // An agent that writes its own name in small letters is still that agent.
    expression: new RegExp(pattern, isAi ? 'i' : ''),
    crawler: { name: nameOf(pattern), kind },
    rank: (isAi ? 10_000 : 0) + pattern.length,
  };
}

/** `[cC]laude[bB]ot` → `ClaudeBot`, `GPTBot\/` → `GPTBot`: what people call it. */
function nameOf(pattern: string): string {
  const plain = pattern
    .replace(/\[\\s\\S\]\*.*$/, '')
    .replace(/\(\^\| \)|\(\[[^\]]*\]\|\$\)/g, '')
    .replace(/\[([a-zA-Z])([a-zA-Z])\]/g, (_, a: string, b: string) => (a < b ? a : b))
    .replace(/\\[dw][+*]?/g, '')
    .replace(/\\(.)/g, '$1')
    .replace(/^[\^(]+|[$)/ .]+$/g, '');
  return plain === '' ? pattern : plain;
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
