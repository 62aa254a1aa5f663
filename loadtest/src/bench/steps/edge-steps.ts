import { domainSeparator, transferAuthorizationDigest } from '@paycrawl/crypto/eip712';
import { recoverAddress } from '@paycrawl/crypto/recover';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { createMemoryLog } from '@paycrawl/event-log/memory-log';
import { createLocalWakeups } from '@paycrawl/event-log/wakeups';
import type { EventOfType } from '@paycrawl/events/event';
import { chargeId } from '@paycrawl/events/ids';
import { topicConfigs } from '@paycrawl/events/topics';
import { createDecisions } from '@paycrawl/ingress/decisions/decisions';
import { readVisit } from '@paycrawl/ingress/http/visit';
import { matchRule } from '@paycrawl/pricing/match-rule';
import { readQuote } from '@paycrawl/protocol/quote';
import { readProof } from '@paycrawl/protocol/read-proof';
import { writeReceipt } from '@paycrawl/protocol/x402-v2-exact/receipt';
import type { Step } from './budget.js';
import { cpuUsOfRounds, cpuUsPerCall } from './cpu-per-call.js';
import { type CrawlLog, ofType } from './crawl-events.js';
import { type CrawlWorld, proofOf } from './crawl-world.js';

/** What the ingress computes for one crawl, without log and network. */
export async function edgeSteps(world: CrawlWorld, log: CrawlLog): Promise<Step[]> {
  const { sites, request, context, token } = world;
  const headers = Array.from({ length: headersCount }, (_, index) => ({
    paymentSignature: world.sign(index),
    xPayment: undefined,
  }));
  const { book } = world.visit.site;
  if (book === undefined) throw fail('bench_failed', 'no price book');
  const visiting = { sites, scheme: 'http' as const, requestId: 'r1', atMs: context.nowMs };
  const at = <Item>(items: readonly Item[], index: number) => items[index % items.length] as Item;
  const visit = await cpuUsPerCall({ calls: many }, () => readVisit(request, visiting));
  const rule = await cpuUsPerCall({ calls: many }, () => matchRule(book, world.visit));
  const proof = await cpuUsPerCall({ calls: few }, (i) => readProof(at(headers, i), context));
  const proofs = headers.map(({ paymentSignature }) => proofOf(world, paymentSignature));
  const { network, asset } = token;
  const id = await cpuUsPerCall({ calls: many }, (i) => {
    const { authorization } = at(proofs, i);
    return chargeId(network, asset, authorization.from, authorization.nonce);
  });
  const receipt = { payer: at(proofs, 0).payer, network, commitmentId: `c${'0'.repeat(40)}` };
  const written = await cpuUsPerCall({ calls: many }, () => writeReceipt(receipt));
  return [
    { name: 'request read, path made canonical, crawler known', perCrawl: 1, us: visit },
    { name: 'price rule found', perCrawl: 1, us: rule },
    { name: 'payment header read and checked (readProof)', perCrawl: 1, us: proof },
    ...(await proofParts(world, proofs)),
    { name: 'id of the charge', perCrawl: 1, us: id },
    { name: 'decision comes back (wake-up)', perCrawl: 1, us: await decisionUs(log) },
    { name: 'receipt', perCrawl: 1, us: written },
  ];
}

const headersCount = 500;
const many = 20_000;
const few = 1_000;

async function proofParts(
  { context, terms, compact, token }: CrawlWorld,
  proofs: readonly ReturnType<typeof proofOf>[],
): Promise<Step[]> {
  const mac = await cpuUsPerCall({ calls: many }, () => readQuote(context, terms, compact));
  const { name, version, chainId, asset: verifyingContract } = token;
  const separator = domainSeparator({ name, version, chainId, verifyingContract });
  const signed = proofs.map(({ authorization, signature }) => {
    const { value, validAfter, validBefore } = authorization;
    const numbers = { value: BigInt(value), validAfter: BigInt(validAfter) };
    const message = { ...authorization, ...numbers, validBefore: BigInt(validBefore) };
    const digest = Buffer.from(transferAuthorizationDigest(separator, message));
    return { message, digest, bytes: Buffer.from(signature.slice(2), 'hex') };
  });
  const of = (index: number) => signed[index % signed.length] as (typeof signed)[number];
  const hash = await cpuUsPerCall({ calls: many }, (i) =>
    transferAuthorizationDigest(separator, of(i).message),
  );
  const recover = await cpuUsPerCall({ calls: few }, (i) => {
    const { digest, bytes } = of(i);
    return recoverAddress(digest, bytes);
  });
  return [
    { name: 'MAC of the quote', perCrawl: 1, us: mac, isPart: true },
    { name: 'hash of the authorization (EIP-712)', perCrawl: 1, us: hash, isPart: true },
    { name: 'recovery of the signer, native', perCrawl: 1, us: recover, isPart: true },
  ];
}

const atOnce = 64;
const replies = 6_400;

/** From the fold's news to the request that waits for it. */
async function decisionUs(crawls: CrawlLog): Promise<number> {
  const accepted = ofType(crawls, 'PaymentAccepted') as EventOfType<'PaymentAccepted'>[];
  const log = createMemoryLog({ clock: () => 0 });
  await log.createTopics(topicConfigs({ payer: 1, publisher: 1 }, 60_000));
  const wakeups = createLocalWakeups();
  const onReadError = (error: unknown): void => {
    throw error;
  };
  const waits = { partitions: 1, timeoutMs: 10_000, readLogAfterMs: 10_000, onReadError };
  const ingressId = 'ingress-1';
  const decisions = await createDecisions({ log, wakeups, ingressId, ...waits });
  const us = await cpuUsOfRounds(5, async () => {
    for (let from = 0; from < replies; from += atOnce) {
      const events = Array.from({ length: atOnce }, (_, i) => accepted[(from + i) % crawls.crawls]);
      const some = events as EventOfType<'PaymentAccepted'>[];
      const waiting = some.map(({ data }) => decisions.expect(0, data.requestId).decision);
      wakeups.publish(ingressId, some);
      await Promise.all(waiting);
    }
  });
  decisions.close();
  await log.close();
  return us / replies;
}
