import { type Environment, loadConfig } from '@paycrawl/service-kit/config';
import {
  addressKnobs,
  optionalChainSchema,
  processKnobs,
  recoveryThreadsKnob,
  shutdownKnob,
} from '@paycrawl/service-kit/process-config';
import { type Static, Type } from '@sinclair/typebox';

const Ms = (env: string, value: number, description: string) =>
  Type.Integer({ minimum: 1, default: value, env, description });

/** Knobs of the service itself; whoever composes it (main, standalone) hands them in. */
export const ingressSchema = Type.Object({
  host: Type.String({ default: '127.0.0.1', env: 'INGRESS_HOST' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535, default: 0, env: 'INGRESS_PORT' }),
  publicScheme: Type.Union([Type.Literal('http'), Type.Literal('https')], {
    default: 'http',
    env: 'INGRESS_PUBLIC_SCHEME',
    description: 'what stands before the host in a quoted URL; https behind a TLS terminator',
  }),
  headerBytesMax: Type.Integer({
    minimum: 16_384,
    default: 32_768,
    env: 'INGRESS_HEADER_BYTES_MAX',
    description: 'a payment header may take 16 KiB of it',
  }),
  bufferBytesMax: Type.Integer({
    minimum: 0,
    default: 262_144,
    env: 'INGRESS_BUFFER_BYTES_MAX',
    description: 'longer pages are streamed, and a crash may cost one of them',
  }),
  inFlightMax: Type.Integer({
    minimum: 1,
    default: 2_000,
    env: 'INGRESS_IN_FLIGHT_MAX',
    description: 'payments at once; times the buffer this bounds the memory',
  }),
  overload: Type.Object({
    decisionWaitMsMax: Ms(
      'INGRESS_DECISION_WAIT_MS_MAX',
      2_000,
      'well under DECIDE_WITHIN_MS: what is decided after its client gave up is work for nothing',
    ),
    undecidedMax: Type.Integer({
      minimum: 1,
      default: 256,
      env: 'INGRESS_UNDECIDED_MAX',
      description: 'proofs read and not decided; more wait at the door, where they cost nothing',
    }),
    doorLineMax: Type.Integer({
      minimum: 0,
      default: 1_024,
      env: 'INGRESS_DOOR_LINE_MAX',
      description: 'payments that wait at the door; the next one is told to come back',
    }),
    challengesInFlightMax: Type.Integer({
      minimum: 1,
      default: 2_000,
      env: 'INGRESS_CHALLENGES_IN_FLIGHT_MAX',
      description: 'challenges that wait for the log; proofs may have to wait behind them',
    }),
    challengesPerPayment: Type.Integer({
      minimum: 1,
      default: 2,
      env: 'INGRESS_CHALLENGES_PER_PAYMENT',
      description: 'of the connection that paid, whatever storms; a crawl needs one, who looks two',
    }),
    paymentsPerStranger: Type.Integer({
      minimum: 1,
      default: 4,
      env: 'INGRESS_PAYMENTS_PER_STRANGER',
      description: 'for each challenge of a connection that did not pay, while they keep it busy',
    }),
    challengesPerSMin: Type.Integer({
      minimum: 1,
      default: 200,
      env: 'INGRESS_CHALLENGES_PER_S_MIN',
      description: 'the same while few pay, so that newcomers find their way in',
    }),
    busyPercent: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 60,
      env: 'INGRESS_BUSY_PERCENT',
      description:
        'of the time of the event loop; above it payments go first. One that shares its cores with ' +
        'the folds is busy for two thirds when there is no more to be had of them',
    }),
    refusalHoldMs: Type.Integer({
      minimum: 0,
      maximum: 10_000,
      default: 1_000,
      env: 'INGRESS_REFUSAL_HOLD_MS',
      description: 'who pays nothing, or never did, is refused late: its client asks no more',
    }),
    newcomers: Type.Object({
      roomAtOnce: Type.Integer({
        minimum: 1,
        default: 16,
        env: 'INGRESS_NEWCOMERS_ROOM',
        description:
          'proofs undecided at once that are no queue; what the known leave of it is theirs',
      }),
      knownPerNewcomer: Type.Integer({
        minimum: 1,
        default: 64,
        env: 'INGRESS_KNOWN_PER_NEWCOMER',
        description: 'proofs of known payers for each of another, while these leave no room',
      }),
      perSMin: Type.Integer({
        minimum: 1,
        default: 10,
        env: 'INGRESS_NEWCOMERS_PER_S_MIN',
        description: 'the same while few of the known come, so that newcomers find their way in',
      }),
      waitMsMax: Ms('INGRESS_NEWCOMER_WAIT_MS_MAX', 2_000, 'then 503: clients wait a bit longer'),
      waitingMax: Type.Integer({
        minimum: 0,
        default: 500,
        env: 'INGRESS_NEWCOMERS_WAITING_MAX',
        description: 'a quarter of the payments in flight: the rest is for those who pay',
      }),
      knownMax: Type.Integer({
        minimum: 1,
        default: 100_000,
        env: 'INGRESS_KNOWN_PAYERS_MAX',
        description: 'about 150 bytes each; whoever is forgotten is a newcomer, no more',
      }),
    }),
  }),
  repeat: Type.Object({
    keepMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 2_000,
      env: 'REPEAT_KEEP_MS',
      description: 'a paid page stays at hand for the same proof; later the origin is asked again',
    }),
    keptBytesMax: Type.Integer({
      minimum: 0,
      default: 33_554_432,
      env: 'REPEAT_KEPT_BYTES_MAX',
      description: 'bound of the memory for that; the oldest pages go first',
    }),
  }),
  logTimeoutMs: Ms('INGRESS_LOG_TIMEOUT_MS', 5_000, 'then 503: a client does not wait longer'),
  quote: Type.Object({
    lifetimeS: Type.Integer({
      minimum: 1,
      default: 300,
      env: 'QUOTE_LIFETIME_S',
      description: 'how long an offer fixes its price; old keys stay for as long',
    }),
    skewMs: Type.Integer({
      minimum: 0,
      default: 5_000,
      env: 'QUOTE_SKEW_MS',
      description: 'clocks of two ingresses may differ by this',
    }),
  }),
  offeredWindowS: Type.Integer({
    minimum: 60,
    default: 300,
    env: 'OFFERED_WINDOW_S',
    description: 'maxTimeoutSeconds; raised to twice the margin of settlement',
  }),
  offeredWindowSMax: Type.Integer({
    minimum: 60,
    default: 900,
    env: 'OFFERED_WINDOW_S_MAX',
    description: 'exact is offered no longer when the queue of settlement fills half of it',
  }),
  gas: Type.Object({
    multiple: Type.Integer({
      minimum: 0,
      default: 0,
      env: 'GAS_MULTIPLE_MIN',
      description: 'exact is not offered for less than this many times its gas; 0: always',
    }),
    nativeAssetMicros: Type.Integer({
      minimum: 0,
      default: 0,
      env: 'NATIVE_ASSET_MICROS',
      description: 'price of one ETH in millionths of a dollar, for the rule above',
    }),
  }),
  marginS: Type.Integer({
    minimum: 0,
    default: 45,
    env: 'INGRESS_MARGIN_S',
    description: 'an authorization must last this long; above the verifier’s own 30 s',
  }),
  decision: Type.Object({
    withinMs: Ms('DECIDE_WITHIN_MS', 5_000, 'a proof may wait for funds: a few blocks'),
    graceMs: Ms('DECIDE_GRACE_MS', 3_000, 'the answer to a wait that ended needs a moment'),
    readLogAfterMs: Ms('READ_LOG_AFTER_MS', 500, 'a wake-up is lost sometimes; the log is not'),
  }),
  leaseMs: Type.Integer({
    minimum: 1_000,
    maximum: 600_000,
    default: 60_000,
    env: 'DELIVERY_LEASE_MS',
    description: 'longer than a decision and a slow origin together take',
  }),
  origin: Type.Object({
    connectionsMax: Type.Integer({ minimum: 1, default: 128, env: 'ORIGIN_CONNECTIONS_MAX' }),
    connectTimeoutMs: Ms('ORIGIN_CONNECT_TIMEOUT_MS', 5_000, 'a live origin answers at once'),
    headersTimeoutMs: Ms('ORIGIN_HEADERS_TIMEOUT_MS', 20_000, 'pages that take longer are lost'),
    bodyTimeoutMs: Ms('ORIGIN_BODY_TIMEOUT_MS', 20_000, 'between two pieces of a body'),
  }),
  pennilessForMs: Ms('PENNILESS_FOR_MS', 2_000, 'about one block: funds may come with the next'),
  accountRememberedMs: Ms('ACCOUNT_REMEMBERED_MS', 600_000, 'code at a payer seldom goes away'),
  accountQuestionsMax: Type.Integer({
    minimum: 1,
    default: 32,
    env: 'ACCOUNT_QUESTIONS_MAX',
    description: 'signature questions to the chain at once',
  }),
});
export type IngressConfig = Static<typeof ingressSchema>;

/** What an ingress process of its own needs beside that. */
export const processSchema = Type.Object({
  ...processKnobs,
  chain: optionalChainSchema('without it payers with code at their address are not served'),
  operations: addressKnobs('INGRESS_OPERATIONS'),
  recoveryThreads: recoveryThreadsKnob,
  drainMs: Type.Integer({
    minimum: 0,
    maximum: 10_000,
    default: 2_000,
    env: 'INGRESS_DRAIN_MS',
    description: 'goes on answering after SIGTERM until balancers have seen that it is not ready',
  }),
  shutdownDeadlineMs: shutdownKnob(20_000),
  ingress: ingressSchema,
});
export type ProcessConfig = Static<typeof processSchema>;

export function loadIngressConfig(env: Environment): IngressConfig {
  return loadConfig(ingressSchema, env);
}
