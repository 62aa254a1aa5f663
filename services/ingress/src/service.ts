import type { QuoteKey } from '@paycrawl/crypto/quote-mac';
import { recoveryEngine } from '@paycrawl/crypto/recover';
import { catalogue, type ErrorCode } from '@paycrawl/errors/catalogue';
import { fail, PaycrawlError } from '@paycrawl/errors/paycrawl-error';
import type { EventLog, Tail } from '@paycrawl/event-log/event-log';
import type { Wakeups } from '@paycrawl/event-log/wakeups';
import { physicalTopic } from '@paycrawl/events/topics';
import { widestMarginRoundingUp } from '@paycrawl/protocol/margin';
import { measureChain } from '@paycrawl/service-kit/chain-calls';
import type { Health } from '@paycrawl/service-kit/health';
import { createLifecycle, type Lifecycle } from '@paycrawl/service-kit/lifecycle';
import type { Logger } from '@paycrawl/service-kit/logger';
import type { Metrics } from '@paycrawl/service-kit/metrics';
import { problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import { type Recoveries, recoveriesOnLoop } from '@paycrawl/service-kit/recovery-threads';
import type { Telemetry } from '@paycrawl/service-kit/telemetry';
import type { ChallengeDeps } from './challenge/challenge.js';
import type { IngressConfig } from './config.js';
import { createDecisions, type Decisions } from './decisions/decisions.js';
import { createOrigins } from './delivery/origin.js';
import { createReporter, type Reporter } from './delivery/reporter.js';
import { type HandleDeps, handle } from './handle.js';
import { closeServer, createPublicServer, drainServer, listenOn } from './http/server.js';
import { type Appender, createAppender } from './log/appender.js';
import { createIds } from './log/ids.js';
import { type IngressMetrics, measureIngress } from './measure.js';
import { createGate, type Gate, type GateOptions } from './overload/gate.js';
import { busiest, loopUtilization } from './overload/loop-utilization.js';
import { createNewcomers } from './overload/newcomers.js';
import { paymentDoor } from './overload/refusals.js';
import { type AccountChain, createAccountCheck } from './proof/account-check.js';
import { createInFlight } from './proof/in-flight.js';
import { createShortMemory } from './proof/short-memory.js';
import { followRegistry } from './site/registry-tail.js';
import { createSites, type Sites } from './site/sites.js';
import { knownTokens, type PaymentToken, type TokenOf, tokenLookup } from './site/token.js';
import type { IngressStep } from './steps.js';

export interface IngressOptions {
  readonly log: EventLog;
  readonly wakeups: Wakeups;
  /** By CAIP-2 network: asked about accounts with code. */
  readonly chains: ReadonlyMap<string, AccountChain>;
  /** The first signs; all verify. */
  readonly quoteKeys: readonly QuoteKey[];
  /** Differs from every other ingress that runs now; drawn when absent. */
  readonly instanceId?: string;
  readonly config: IngressConfig;
  /** Answers go on this long while it closes, for whoever does not know it yet. Default 0. */
  readonly drainMs?: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health?: Health;
  /** Of signers; absent: on the event loop. */
  readonly recoveries?: Recoveries;
  /** Tokens besides the well-known ones. */
  readonly tokens?: readonly PaymentToken[];
  /** Undefined: nothing is traced, and nothing is paid for it. */
  readonly telemetry?: Telemetry | undefined;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** The registry cannot be followed any more: the process should be replaced. */
  readonly onFatal: (error: unknown) => void;
  /** Told after each named step; only tests listen. */
  readonly onStep?: ((step: IngressStep) => void) | undefined;
}

export interface Ingress {
  /** `http://host:port` of the till. */
  readonly address: string;
  close(): Promise<void>;
}

const ingressDeadlineMs = 20_000;
const pennilessMax = 50_000;
const unreportedMax = 10_000;
const reportRetryMs = 500;
const reportRetries = 600;

/** Everything is made here, and its close is registered on the next line. */
export async function startIngress(options: IngressOptions): Promise<Ingress> {
  const { logger } = options;
  logger.info({ signatures: recoveryEngine() }, 'starting');
  const lifecycle = createLifecycle({ logger, deadlineMs: ingressDeadlineMs });
  try {
    return await start(options, lifecycle);
  } catch (error) {
    await lifecycle.close('start failed');
    throw error;
  }
}

async function start(options: IngressOptions, lifecycle: Lifecycle): Promise<Ingress> {
  const { log, config, clock } = options;
  const nextRequestId = createIds('r');
  const ingressId = `ingress-${options.instanceId ?? nextRequestId()}`;
  const source = `ingress/${ingressId}`;
  const partitions = await partitionCounts(log);
  const appender = createAppender({ log, partitions, timeoutMs: config.logTimeoutMs });
  lifecycle.onClose('appender', () => appender.close());
  const inFlight = createInFlight({ ...config.repeat, nowMs: () => performance.now() });
  const pending = {
    outcomes: (): number => 0,
    marginS: (): number => 0,
    deciding: (): number => 0,
    atDoor: (): number => 0,
  };
  const { recoveries = recoveriesOnLoop } = options;
  options.health?.check('recovery', recoveries.assertComplete);
  const gate = makeGate(options, {
    inFlight: () => inFlight.size() + recoveries.waiting(),
    deciding: () => pending.deciding(),
    undecided: () => pending.deciding() + recoveries.waiting(),
    challenging: () => appender.waiting('challenges'),
    utilization: busiest(loopUtilization(), recoveries.busyShare),
  });
  lifecycle.onClose('gate', async () => gate.close());
  const newcomers = createNewcomers({
    ...config.overload.newcomers,
    nowMs: () => performance.now(),
  });
  lifecycle.onClose('newcomers', async () => newcomers.close());
  const measured = measureIngress(options.metrics, {
    inFlight: inFlight.size,
    unreported: () => pending.outcomes(),
    appending: () => appender.waiting('challenges') + appender.waiting('payments'),
    gate: gate.gauges,
    newcomers: newcomers.waiting,
    atDoor: () => pending.atDoor(),
    marginS: () => pending.marginS(),
  });
  const reporter = makeReporter(options, appender, measured);
  pending.outcomes = reporter.pending;
  lifecycle.onClose('outcomes', () => reporter.close());
  const tokenOf = tokenLookup([...knownTokens, ...(options.tokens ?? [])]);
  const sites = makeSites(options, tokenOf, measured);
  pending.marginS = sites.marginS;
  const registry = await followSites(options, sites);
  lifecycle.onClose('registry', () => registry.close());
  const decisions = await makeDecisions(options, { ingressId, partitions, measured });
  pending.deciding = decisions.waiting;
  lifecycle.onClose('decisions', () => decisions.close());
  const origins = createOrigins(config.origin);
  lifecycle.onClose('origins', () => origins.close());
  const shared = { appender, decisions, reporter, inFlight, gate, newcomers, sites, tokenOf };
  const named = { origins, source, ingressId, nextRequestId };
  const deps = depsOf(options, { ...shared, ...named, measured });
  const server = createPublicServer({
    headerBytesMax: config.headerBytesMax,
    requestTimeoutMs: 300_000,
    keepAliveTimeoutMs: 65_000,
    clock,
    onRequest: (exchange) => void handle(deps, exchange),
    door: paymentDoor(deps, config.overload.decisionWaitMsMax),
    onUnreadable: (code) => unreadable(appender, source, nextRequestId(), clock(), code),
  });
  pending.atDoor = server.lane.inLine;
  const address = await listenOn(server, config.host, config.port);
  lifecycle.onClose('server', () => closeServer(server));
  lifecycle.onClose('connections', () => drainServer(server, options.drainMs ?? 0));
  return { address, close: async () => void (await lifecycle.close('close')) };
}

function makeGate(
  { config }: IngressOptions,
  asked: Pick<GateOptions, 'inFlight' | 'deciding' | 'undecided' | 'challenging' | 'utilization'>,
): Gate {
  return createGate({
    ...config.overload,
    ...asked,
    inFlightMax: config.inFlightMax,
    nowMs: () => performance.now(),
  });
}

function makeReporter(
  { logger }: IngressOptions,
  appender: Appender,
  measured: IngressMetrics,
): Reporter {
  return createReporter({
    appender,
    pendingMax: unreportedMax,
    retryIntervalMs: reportRetryMs,
    retriesMax: reportRetries,
    onGivenUp: (event, err) => {
      measured.fault('outcome_given_up');
      logger.error({ err, id: event.id, type: event.type }, 'an outcome could not be reported');
    },
  });
}

function makeSites({ logger }: IngressOptions, tokenOf: TokenOf, measured: IngressMetrics): Sites {
  return createSites({
    tokenOf,
    onUnusable: (publisherId, err) => {
      measured.fault('registry_unusable');
      logger.error({ err, publisherId }, 'a registry entry cannot be used');
    },
  });
}

function followSites({ log, logger, onFatal }: IngressOptions, sites: Sites): Promise<Tail> {
  return followRegistry({
    log,
    sites,
    onError: onFatal,
    onUnreadable: (offset, detail) => logger.error({ offset, detail }, 'registry unreadable'),
  });
}

interface DecisionsNeed {
  readonly ingressId: string;
  readonly partitions: { readonly payer: number };
  readonly measured: IngressMetrics;
}

function makeDecisions(options: IngressOptions, need: DecisionsNeed): Promise<Decisions> {
  const { log, wakeups, config, logger } = options;
  return createDecisions({
    log,
    wakeups,
    ingressId: need.ingressId,
    partitions: need.partitions.payer,
    timeoutMs: config.decision.withinMs + config.decision.graceMs,
    readLogAfterMs: config.decision.readLogAfterMs,
    onReadError: (err) => {
      need.measured.fault('decisions_unreadable');
      logger.warn({ err }, 'decisions cannot be read');
    },
  });
}

type Shared = Pick<
  HandleDeps,
  | 'appender'
  | 'decisions'
  | 'reporter'
  | 'inFlight'
  | 'gate'
  | 'newcomers'
  | 'sites'
  | 'tokenOf'
  | 'origins'
  | 'source'
  | 'ingressId'
  | 'nextRequestId'
> & { readonly measured: IngressMetrics };

function depsOf(options: IngressOptions, shared: Shared): HandleDeps {
  const { config, logger, clock, quoteKeys: keys } = options;
  const { measured, ...made } = shared;
  const nowMs = () => performance.now();
  const chains = new Map(
    [...options.chains].map(([network, chain]) => [network, measureChain(options.metrics, chain)]),
  );
  requireKeys(keys);
  const challenges: ChallengeDeps = {
    appender: made.appender,
    sites: made.sites,
    keys,
    nextId: createIds('h'),
    source: made.source,
    quoteLifetimeS: config.quote.lifetimeS,
    offeredWindowS: config.offeredWindowS,
    offeredWindowSMax: config.offeredWindowSMax,
    gas: {
      multiple: BigInt(config.gas.multiple),
      nativeAssetMicros: BigInt(config.gas.nativeAssetMicros),
    },
    onIssued: measured.challenge,
  };
  return {
    ...made,
    challenges,
    keys,
    recover: (options.recoveries ?? recoveriesOnLoop).recover,
    clock,
    scheme: config.publicScheme,
    bufferBytesMax: config.bufferBytesMax,
    skewMs: config.quote.skewMs,
    marginS: () => Math.max(config.marginS, widestMarginRoundingUp(made.sites.marginS())),
    decideWithinMs: config.decision.withinMs,
    leaseMs: config.leaseMs,
    accounts: createAccountCheck({
      chainOf: (network) => chains.get(network),
      questionsMax: config.accountQuestionsMax,
      rememberMs: config.accountRememberedMs,
      nowMs,
      onUnavailable: (err) => logger.warn({ err }, 'the chain does not answer'),
    }),
    penniless: createShortMemory<bigint>({
      forMs: config.pennilessForMs,
      entriesMax: pennilessMax,
      nowMs,
    }),
    telemetry: options.telemetry,
    onStep: options.onStep,
    onRuling: measured.request,
    onProof: measured.proof,
    onDecided: (tookMs, kind) => {
      measured.admitted(tookMs);
      made.gate.decided(tookMs, kind === 'accepted');
    },
    onShed: measured.shed,
    onOutcome: measured.outcome,
    onFailure: (err, requestId) => {
      measured.fault(err instanceof PaycrawlError ? err.code : 'internal');
      logger.error({ err, requestId }, 'request failed');
    },
  };
}

/** What no parser could read has no publisher; it is an event all the same. */
async function unreadable(
  appender: Appender,
  source: string,
  requestId: string,
  timeMs: number,
  code: ErrorCode,
) {
  const nothing = { method: '', host: '', path: '', crawler: '' };
  const { status, title: reason } = catalogue[code];
  const data = { publisherId: 'unknown', requestId, ...nothing, code, reason, status };
  await appender.append([
    {
      topic: 'challenges',
      key: data.publisherId,
      event: { type: 'ProofRefused', id: `${requestId}/refused`, source, timeMs, data },
    },
  ]);
  return problemAnswer(code, reason);
}

async function partitionCounts(log: EventLog): Promise<{ payer: number; publisher: number }> {
  const topics = await log.topics();
  const countOf = (name: string): number => {
    const topic = topics.find((one) => one.name === name);
    if (topic === undefined) throw fail('log_unknown_partition', `Topic ${name} is missing.`);
    return topic.partitions;
  };
  return {
    payer: countOf(physicalTopic('payments')),
    publisher: countOf(physicalTopic('challenges')),
  };
}

function requireKeys(keys: readonly QuoteKey[]): void {
  if (keys.length === 0) throw fail('config_invalid', 'At least one quote key is needed.');
}
