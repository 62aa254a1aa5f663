import { Buffer } from 'node:buffer';
import { type Refusal, refuse } from './refusal.js';

export const headerBytesMax = 16_384;
export const jsonDepthMax = 16;

// The reference decoders accept exactly this alphabet; base64url is refused there too.
const standardBase64 = /^[A-Za-z0-9+/]+={0,2}$/;

export type HeaderJson = { readonly kind: 'json'; readonly value: unknown } | Refusal;

/** base64(JSON) of a payment header, every bound checked before anything is parsed. */
export function readHeaderJson(header: string): HeaderJson {
  if (header.length > headerBytesMax) return refuse('proof_header_too_large');
  // HTTP joins repeated headers with a comma, which no base64 holds.
  if (header.includes(',')) return refuse('proof_duplicate_header');
  const bytes = Buffer.from(header, 'base64');
  if (!isStandardBase64(header, bytes)) return refuse('proof_not_base64');
  const text = bytes.toString('utf8');
  if (isDeeper(text, jsonDepthMax)) return refuse('proof_too_deep');
  try {
    return { kind: 'json', value: JSON.parse(text) };
  } catch {
    return refuse('proof_not_json');
  }
}

export function headerOfJson(json: string): string {
  return Buffer.from(json, 'utf8').toString('base64');
}

/** What comes out the same when it is written anew is standard; that is four times as fast to see. */
function isStandardBase64(text: string, decoded: Buffer): boolean {
  if (text.length > 0 && decoded.toString('base64') === text) return true;
  return standardBase64.test(text);
}

/** Proofs have so few brackets that counting them answers already; searching is a native scan. */
function isDeeper(text: string, depthMax: number): boolean {
  const opened = countUpTo(text, '{', depthMax) + countUpTo(text, '[', depthMax);
  return opened > depthMax && depthOf(text) > depthMax;
}

function countUpTo(text: string, char: string, max: number): number {
  let count = 0;
  for (let at = text.indexOf(char); at >= 0 && count <= max; at = text.indexOf(char, at + 1)) {
    count++;
  }
  return count;
}

const quoteCode = 0x22;
const backslashCode = 0x5c;

/** How deeply brackets are nested outside of strings; the text need not be valid JSON. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === backslashCode) i++;
      else if (code === quoteCode) inString = false;
    } else if (code === quoteCode) inString = true;
    else if (code === 0x5b || code === 0x7b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}
