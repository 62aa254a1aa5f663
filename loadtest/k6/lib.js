// What the scenarios share: what the runner said, requests, what is measured, the summary.
// They run in k6's own runtime, so they import nothing of the project.
import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import execution from 'k6/execution';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';

const env = __ENV;
/** A priced page, as crawlers ask for it. */
export const url = env.URL ?? 'http://127.0.0.1:8402/';
export const facilitator = env.FACILITATOR ?? '';
/** The header that a proof goes into: PAYMENT-SIGNATURE (x402 v2) or X-PAYMENT (v1). */
const proofHeader = env.PROOF_HEADER ?? 'PAYMENT-SIGNATURE';
export const ratePerS = whole('RATE', 50);
export const durationS = whole('DURATION_S', 60);
const payers = whole('PAYERS', 0);
const vusMax = whole('VUS_MAX', 500);

const crawler = 'GPTBot/1.3';
const person = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** Header values, signed by the generator: one a line, the first of every payer first. */
export const proofs = new SharedArray('proofs', () =>
  env.PROOFS === undefined ? [] : open(env.PROOFS).trimEnd().split('\n'),
);

// Every answer counts under its kind: as it should be or not, and how long it took.
const ok = new Rate('ok');
const ms = new Trend('ms', true);
const seen = new Counter('seen');

function whole(name, otherwise) {
  const value = Number.parseInt(env[name] ?? String(otherwise), 10);
  if (!(value >= 0)) throw new Error(`${name} is no number`);
  return value;
}

/** Settings of every run: bounded in virtual users, and nothing kept of what is not looked at. */
export function settings(more) {
  return {
    discardResponseBodies: true,
    setupTimeout: '300s',
    batch: 64,
    batchPerHost: 64,
    summaryTrendStats: ['min', 'med', 'avg', 'p(90)', 'p(95)', 'p(99)', 'max', 'count'],
    ...more,
  };
}

/** Requests that come when they come, however slow the answers are (an open loop). */
export function arrivals(exec, rate, more = {}) {
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate: Math.max(1, Math.round(rate)),
    timeUnit: '1s',
    duration: `${durationS}s`,
    preAllocatedVUs: Math.min(vusMax, Math.max(10, Math.ceil(rate / 5))),
    maxVUs: vusMax,
    gracefulStop: '15s',
    ...more,
  };
}

/** Limits for one kind of answer. `least`: share that must be as it should be. */
export function limits(kind, { least, p99Ms = 60_000 }) {
  return {
    [`ok{kind:${kind}}`]: [`rate>=${least}`],
    [`ms{kind:${kind}}`]: [`p(99)<${p99Ms}`],
  };
}

/** The n-th proof that is nobody's first, or undefined when there are no more. */
export function proofAt(n) {
  return proofs[payers + n];
}

/** Which request of its scenario this is, over all virtual users. */
export function turn() {
  return execution.scenario.iterationInTest;
}

/** Setup: every payer pays once, so that its funds are known as in a steady state. */
export function introduce() {
  let unpaid = 0;
  for (let from = 0; from < Math.min(payers, proofs.length); from += 512) {
    const batch = [];
    for (let i = from; i < Math.min(from + 512, payers, proofs.length); i++) {
      batch.push({ method: 'GET', url, params: asCrawler({ [proofHeader]: proofs[i] }, 'first') });
    }
    for (const response of http.batch(batch)) if (!isPaid(response)) unpaid += 1;
  }
  if (unpaid > payers / 10) throw new Error(`${unpaid} of ${payers} payers could not pay once`);
}

function asCrawler(headers, kind) {
  const all = { 'User-Agent': crawler, ...headers };
  return { headers: all, redirects: 0, tags: { kind, name: kind }, timeout: '30s' };
}

export function isPaid({ status, headers }) {
  if (status !== 200) return false;
  return headers['Payment-Response'] !== undefined || headers['X-Payment-Response'] !== undefined;
}

/** 402 with an offer: what everybody gets who has not paid. */
export function isOffer({ status, headers }) {
  return status === 402 && headers['Payment-Required'] !== undefined;
}

/** Refused for a while, and the client is told for how long. */
export function isBusy({ status, headers }) {
  return status === 503 && headers['Retry-After'] !== undefined;
}

export function pay(proof, kind, isRight = isPaid, page = url) {
  return note(http.get(page, asCrawler({ [proofHeader]: proof }, kind)), kind, isRight);
}

export function askUnpaid(kind, isRight = isOffer) {
  return note(http.get(url, asCrawler({}, kind)), kind, isRight);
}

/** People pass: no rule is for them, they see neither price nor payment. */
export function visit(kind) {
  const params = { ...asCrawler({}, kind), headers: { 'User-Agent': person } };
  return note(http.get(url, params), kind, ({ status }) => status === 200);
}

/** `POST /verify` of the facilitator; the same proof may be asked about again and again. */
export function verify(proof, kind) {
  const payment = decoded(proof);
  const paymentRequirements = payment.accepted;
  const body = JSON.stringify({ x402Version: 2, paymentPayload: payment, paymentRequirements });
  const token = env.FACILITATOR_KEY === undefined ? {} : bearer(env.FACILITATOR_KEY);
  const headers = { 'Content-Type': 'application/json', ...token };
  const params = { headers, tags: { kind, name: kind }, timeout: '30s', responseType: 'text' };
  const response = http.post(`${facilitator}/verify`, body, params);
  return note(response, kind, ({ status, body: said }) => status === 200 && isValid(said));
}

function bearer(key) {
  return { Authorization: `Bearer ${key}` };
}

function isValid(said) {
  return JSON.parse(said).isValid === true;
}

export function decoded(proof) {
  return JSON.parse(encoding.b64decode(proof, 'std', 's'));
}

export function encoded(payment) {
  return encoding.b64encode(JSON.stringify(payment));
}

function note(response, kind, isRight) {
  const right = isRight(response);
  ok.add(right, { kind });
  ms.add(response.timings.duration, { kind });
  seen.add(1, { kind, status: String(response.status) });
  return response;
}

/** The JSON summary, and the same in a few lines for the person. */
export function summary(scenario, more = () => ({})) {
  return ({ metrics, state }) => {
    const measured = Object.entries(metrics).filter(([name]) => /^(ok|ms)\{kind:/.test(name));
    const kinds = kindsOf(measured.sort());
    const missed = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
      Object.entries(thresholds)
        .filter(([limit, { ok }]) => !ok || isOfNothing(name, limit, kinds))
        .map(([limit]) => `${name}: ${limit}`),
    );
    const report = {
      scenario,
      seconds: state.testRunDurationMs / 1000,
      requests: metrics.http_reqs?.values.count ?? 0,
      dropped: metrics.dropped_iterations?.values.count ?? 0,
      kinds,
      missed,
      ...more(metrics),
    };
    const lines = [`${scenario}: ${report.requests} requests in ${report.seconds.toFixed(1)} s`];
    for (const [kind, { answers, right, p50Ms, p99Ms }] of Object.entries(report.kinds)) {
      const share = `${right} of ${answers} as they should be`;
      lines.push(`  ${kind}: ${share}, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
    }
    if (report.knee !== undefined) lines.push(`  knee: ${JSON.stringify(report.knee)}`);
    for (const limit of missed) lines.push(`  missed: ${limit}`);
    const text = `${lines.join('\n')}\n`;
    const files = env.SUMMARY === undefined ? {} : { [env.SUMMARY]: JSON.stringify(report) };
    return { stdout: text, ...files };
  };
}

/** k6 holds every threshold over nothing to be met; a share of at least 0 asks for nothing. */
function isOfNothing(name, limit, kinds) {
  const kind = /^ok\{kind:(.+)\}$/.exec(name)?.[1];
  return kind !== undefined && limit !== 'rate>=0' && kinds[kind].answers === 0;
}

function kindsOf(measured) {
  const kinds = {};
  for (const [name, { values }] of measured) {
    const kind = name.slice(name.indexOf(':') + 1, -1);
    const entry = kinds[kind] ?? { answers: 0, right: 0, p50Ms: 0, p99Ms: 0 };
    if (name.startsWith('ok')) {
      entry.answers = values.passes + values.fails;
      entry.right = values.passes;
    } else {
      entry.p50Ms = values.med;
      entry.p99Ms = values['p(99)'];
    }
    kinds[kind] = entry;
  }
  return kinds;
}
