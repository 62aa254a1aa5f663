/** Answers of the API as they were recorded, with days and hours moved to the present. */
const usdc = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const ether = 'eip155:84532/slip44:60';
const hash = '0x9c1f0e6f3bb0a7c1d2e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a';
const payer = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const dayMs = 86_400_000;

export function dollars(amount: string) {
  return { asset: usdc, amount, decimals: 6 };
}

export function session(role: 'publisher' | 'operator' | null) {
  const assets = [
    { asset: usdc, symbol: 'USDC', decimals: 6 },
    { asset: ether, symbol: 'ETH', decimals: 18 },
  ];
  return { role, publisher: role === 'publisher' ? 'gazette' : null, assets };
}

export const publishers = {
  publishers: ['gazette', 'quiet', 'slow', 'broken', 'garbled'].map((id) => ({
    id,
    hosts: [`${id}.example`],
  })),
};

function totals(paid: number, challenges: number, unit = 1500) {
  const settledCount = Math.floor(paid * 0.9);
  const monies = (count: number) => (count === 0 ? [] : [dollars(String(count * unit))]);
  return {
    counts: {
      challenges,
      proofsRefused: Math.floor(challenges / 90),
      paymentsRejected: Math.floor(challenges / 40),
      paymentsAccepted: paid,
      delivered: paid,
      notDelivered: Math.floor(challenges / 200),
      charges: paid,
      chargesSettled: settledCount,
      chargesUncollectible: 0,
    },
    charged: monies(paid),
    settled: monies(settledCount),
    uncollectible: [],
  };
}

const crawlers = ['GPTBot', 'ClaudeBot', 'PerplexityBot', 'CCBot', 'Bytespider', 'Amazonbot'];
const paths = [
  '/',
  '/articles/what-a-crawler-costs-and-who-ends-up-paying-for-it',
  '/articles/harbour-notes',
  '/archive/1911/the-ice-road',
  '/data/tides.json',
  '/articles/letters-to-the-editor',
  '/recipes/rye-bread',
  '/articles/weather-and-memory',
  '/archive/1924/lighthouse-keepers',
];

export function revenue(publisher: string, by: string, from: string, nowMs: number) {
  const start = Date.parse(from);
  const span = { publisher, from: new Date(start).toISOString(), by };
  const to = new Date(Math.ceil(nowMs / 3_600_000) * 3_600_000).toISOString();
  if (publisher === 'quiet') return { ...span, to, total: totals(0, 0), rows: [] };
  const rows = revenueKeys(by, start, nowMs).map(({ key, weight }) => ({
    key,
    totals: totals(weight * 37, weight * 101),
  }));
  const weight = rows.reduce((sum, row) => sum + row.totals.counts.charges, 0);
  const challenges = rows.reduce((sum, row) => sum + row.totals.counts.challenges, 0);
  return { ...span, to, total: totals(weight, challenges), rows };
}

function revenueKeys(by: string, start: number, nowMs: number) {
  const named = by === 'crawler' ? crawlers : paths;
  if (by === 'crawler' || by === 'path') {
    return named.map((key, at) => ({ key, weight: (named.length - at) ** 2 }));
  }
  const stepMs = by === 'day' ? dayMs : 3_600_000;
  const keys: { key: string; weight: number }[] = [];
  for (let at = start, step = 0; at < nowMs; at += stepMs, step += 1) {
    const iso = new Date(at).toISOString();
    const key = by === 'day' ? iso.slice(0, 10) : `${iso.slice(0, 13)}:00:00Z`;
    const weight = 3 + ((step * 7) % 11) + Math.floor(step / 4);
    // Every ninth is empty and left out, as the API does.
    if (step % 9 !== 4) keys.push({ key, weight });
  }
  return keys;
}

const statuses = [
  'charged',
  'settled',
  'challenged',
  'pending',
  'settled',
  'rejected',
  'refused',
  'released',
  'uncollectible',
];

const codes: Readonly<Record<string, string>> = {
  rejected: 'insufficient_funds',
  refused: 'invalid_exact_evm_payload_signature',
  released: 'origin_5xx',
  uncollectible: 'authorization_cancelled',
};

function crawl(at: number) {
  const status = statuses[at % statuses.length] ?? 'settled';
  const path = paths[at % paths.length] ?? '/';
  const isCharged = ['charged', 'settled', 'uncollectible'].includes(status);
  return {
    id: `crl_${(0x51a2c000 + at).toString(16)}`,
    publisher: 'gazette',
    at: new Date(Date.UTC(2026, 0, 31, 23, 59, 59) - at * 47_000).toISOString(),
    method: 'GET',
    url: `https://gazette.example${path}`,
    path,
    crawler: crawlers[at % crawlers.length] ?? 'GPTBot',
    payer: status === 'challenged' ? null : payer,
    dialect: status === 'challenged' ? null : at % 2 === 0 ? 'x402-v2-exact' : 'x402-v1-exact',
    status,
    code: codes[status] ?? null,
    amount: dollars(at % 3 === 0 ? '1000' : '2500'),
    chargeId: isCharged ? `chg_${at}` : null,
    batchId: status === 'settled' ? 'bat_3_17' : null,
    transaction: status === 'settled' ? hash : null,
  };
}

export function crawls(publisher: string, query: Readonly<Record<string, string>>) {
  if (publisher === 'quiet') return { crawls: [], next: null };
  const first = query.cursor === undefined ? 0 : 50;
  const page = Array.from({ length: first === 0 ? 50 : 12 }, (_, at) => crawl(first + at));
  const { status, crawler, path } = query;
  const matching = page.filter(
    (one) =>
      (status === undefined || one.status === status) &&
      (crawler === undefined || one.crawler === crawler) &&
      (path === undefined || one.path.startsWith(path)),
  );
  return { crawls: matching, next: first === 0 ? 'cursor-2' : null };
}

function event(
  topic: string,
  offset: number,
  type: string,
  afterMs: number,
  data: Readonly<Record<string, unknown>>,
) {
  const isEdge = topic === 'challenges' || type.startsWith('ProofReceived');
  return {
    topic,
    partition: 3,
    offset,
    id: `${topic}-3-${offset}`,
    type,
    at: new Date(Date.UTC(2026, 0, 31, 23, 59, 12) + afterMs).toISOString(),
    cause: isEdge ? null : { topic: 'payments', partition: 3, offset: 128, index: 0 },
    expired: false,
    data,
  };
}

const batchEvents = [
  event('settlements', 40, 'BatchSealed.v1', 9_000, { batch: 'bat_3_17', nonce: '17' }),
  event('settlements', 41, 'BatchSubmitted.v1', 9_300, { batch: 'bat_3_17', transaction: hash }),
  event('settlements', 42, 'BatchConfirmed.v1', 15_400, { batch: 'bat_3_17', block: '8812' }),
];

export function crawlDetail(id: string) {
  const known = [crawl(1), ...Array.from({ length: 70 }, (_, at) => crawl(at))];
  const found = known.find((one) => one.id === id);
  if (found === undefined) return undefined;
  const nonce = `0x${'5f'.repeat(32)}`;
  const events = [
    event('challenges', 9001, 'ChallengeIssued.v1', 0, { price: 'USD 0.0025', ruleVersion: 7 }),
    event('payments', 128, 'ProofReceived.v1', 412, { dialect: 'x402-v2-exact', payer, nonce }),
    event('decisions', 77, 'PaymentAccepted.v1', 415, { held: dollars('2500'), leaseMs: 30_000 }),
    event('payments', 129, 'CrawlDelivered.v1', 460, { status: 200, bytes: 18_422 }),
    event('decisions', 78, 'ChargePosted.v1', 463, { chargeId: 'chg_1', amount: '2500' }),
    event('ledger', 156, 'LedgerPosted.v1', 470, { entries: 2 }),
    ...batchEvents,
    event('payments', 140, 'ChargeSettled.v1', 15_410, { chargeId: 'chg_1', block: '8812' }),
  ];
  return { crawl: found, events, settlement: found.batchId === null ? null : settlement(0, false) };
}

function settlement(at: number, isOperator: boolean) {
  const status =
    at === 0 ? 'confirmed' : (['submitted', 'sealed', 'confirmed', 'lost'][at % 4] ?? '');
  const sealedMs = Date.UTC(2026, 0, 31, 23, 59, 21) - at * 600_000;
  const isSent = status !== 'sealed';
  const isDone = status === 'confirmed';
  return {
    id: at === 0 ? 'bat_3_17' : `bat_3_${17 - at}`,
    partition: 3,
    status,
    sealedAt: new Date(sealedMs).toISOString(),
    submittedAt: isSent ? new Date(sealedMs + 300).toISOString() : null,
    confirmedAt: isDone ? new Date(sealedMs + 6_400).toISOString() : null,
    charges: 42 + at,
    amounts: [dollars(String(84_000 + at * 1500))],
    attempts: at === 1 ? 2 : 1,
    transaction: isSent ? hash : null,
    block: isDone ? '8812' : null,
    gas: isOperator && isDone ? { asset: ether, amount: '212340000000000', decimals: 18 } : null,
  };
}

export function settlements(isOperator: boolean, query: Readonly<Record<string, string>>) {
  if (query.publisher === 'quiet') return { settlements: [], next: null };
  const rows = Array.from({ length: 9 }, (_, at) => settlement(at, isOperator));
  return { settlements: rows, next: null };
}

export function settlementDetail(isOperator: boolean) {
  const outcomes = ['settled', 'settled', 'uncollectible', 'returned'];
  const charges = Array.from({ length: 8 }, (_, at) => ({
    chargeId: `chg_${at}`,
    crawlId: crawl(at).id,
    publisher: 'gazette',
    payer,
    amount: dollars('2500'),
    outcome: outcomes[at % outcomes.length],
    code: at % outcomes.length === 2 ? 'authorization_cancelled' : null,
  }));
  return { settlement: settlement(0, isOperator), charges, events: batchEvents };
}

export const reconciliation = {
  at: '2026-01-31T23:59:59.000Z',
  outcome: 'differs',
  lag: 12,
  checks: [
    check('charged_log_ledger', 'Charged in the log = ledger', '84000', '84000', 'equal'),
    check('charged_ledger_store', 'Charged in the ledger = charts', '84000', '81500', 'differs'),
    check('settled_ledger_chain', 'Settled in the ledger = on chain', '75500', null, 'unknown'),
  ],
};

function check(name: string, title: string, left: string, right: string | null, outcome: string) {
  const [leftName = '', rightName = ''] = name.split('_').slice(1);
  return {
    name,
    title,
    asset: usdc,
    left: { name: leftName, value: left },
    right: { name: rightName, value: right },
    difference: right === null ? null : (BigInt(left) - BigInt(right)).toString(),
    outcome,
    detail: outcome === 'unknown' ? 'The chain did not answer within 2 s.' : null,
  };
}

export function live(chargedToday: string) {
  const isQuiet = chargedToday === '';
  const monies = (amount: string) => (isQuiet ? [] : [dollars(amount)]);
  const today = { ...totals(isQuiet ? 0 : 731, isQuiet ? 0 : 1985), charged: monies(chargedToday) };
  return {
    publisher: 'gazette',
    at: new Date().toISOString(),
    today,
    balance: {
      publisher: 'gazette',
      asOf: isQuiet ? null : '2026-01-31T23:59:59.000Z',
      charged: monies('48211500'),
      settled: monies('46100000'),
      uncollectible: monies('2500'),
      owed: monies('2109000'),
      accounts: [],
    },
    recent: isQuiet ? [] : Array.from({ length: 10 }, (_, at) => crawl(at)),
  };
}

const rules = [
  { id: 'signpost-1', path: '/robots.txt', crawlers: 'everyone', free: true },
  {
    id: 'archive',
    path: '/archive/**',
    crawlers: ['GPTBot', 'ClaudeBot'],
    price: 'USD 0.0025',
    effectiveFrom: '2026-01-01T00:00:00Z',
    description: 'Two agents with a contract',
  },
  { id: 'private', path: '/letters/**', crawlers: 'ai-agents', block: true },
  { id: 'ai-agents', path: '/**', crawlers: 'ai-agents', price: 'USD 0.001' },
];

export function priceBook(publisher: string) {
  return publisher === 'quiet'
    ? { publisher, version: 0, priceBook: null }
    : { publisher, version: 7, priceBook: { rules, billable: { head: true } } };
}
