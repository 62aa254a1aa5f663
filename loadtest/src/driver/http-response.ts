/** Of what came, the parts that a load looks at; text is made of it only where somebody asks. */
export interface HttpResponse {
  readonly status: number;
  readonly bodyBytes: number;
  /** Status line and headers, without the empty line. */
  readonly head: Buffer;
}

const headEnd = Buffer.from('\r\n\r\n');
const chunkedEnd = Buffer.from('0\r\n\r\n');
const lineEnd = 13;
const zero = 48;
const nine = 57;
/** Behind `HTTP/1.1 `. */
const statusAt = 9;

/**
 * The response, once all of it is there. It understands exactly what our servers and the peers
 * answer: Content-Length, chunked bodies, and answers without a body.
 */
export function parseResponse(bytes: Buffer): HttpResponse | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.subarray(0, end);
  const status = numberAt(head, statusAt);
  const bodyStart = end + headEnd.length;
  const lengthAt = valueAt(head, 'content-length');
  if (lengthAt !== undefined) {
    const bodyBytes = numberAt(head, lengthAt);
    return bytes.length >= bodyStart + bodyBytes ? { status, head, bodyBytes } : undefined;
  }
  if (headerOf(head, 'transfer-encoding')?.toLowerCase() === 'chunked') {
    const isWhole = bytes.subarray(-chunkedEnd.length).equals(chunkedEnd);
    return isWhole ? { status, head, bodyBytes: bytes.length - bodyStart } : undefined;
  }
  return { status, head, bodyBytes: 0 };
}

export function hasHeader({ head }: HttpResponse, name: string): boolean {
  return valueAt(head, name) !== undefined;
}

export function headerOf(head: Buffer, name: string): string | undefined {
  const at = valueAt(head, name);
  if (at === undefined) return undefined;
  const end = head.indexOf(lineEnd, at);
  return head.toString('latin1', at, end < 0 ? head.length : end).trim();
}

/** Where the value of a header begins, spaces before it left out. `name` is in small letters. */
function valueAt(head: Buffer, name: string): number | undefined {
  for (const needle of needlesOf(name)) {
    const line = head.indexOf(needle);
    if (line < 0) continue;
    let at = line + needle.length;
    while (head[at] === 32) at += 1;
    return at;
  }
  return undefined;
}

const needles = new Map<string, readonly Buffer[]>();

/** As servers write it: `content-length`, `Content-Length` or `CONTENT-LENGTH`. */
function needlesOf(name: string): readonly Buffer[] {
  const known = needles.get(name);
  if (known !== undefined) return known;
  const capital = name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  const spellings = [name, capital, name.toUpperCase()];
  const made = spellings.map((spelling) => Buffer.from(`\r\n${spelling}:`));
  needles.set(name, made);
  return made;
}

function numberAt(head: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < head.length; i++) {
    const digit = head[i] as number;
    if (digit < zero || digit > nine) break;
    value = value * 10 + (digit - zero);
  }
  return value;
}
