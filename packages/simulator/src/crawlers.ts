import { addressOfPayer, chargeId as chargeIdOf } from '@paycrawl/events/ids';
import type { TransferCall } from './chain-model.js';
import { type Answer, createIngress, type Ingress, type Proof } from './ingress.js';
import type { Random } from './random.js';
import { createLife, type Life } from './timeline.js';
import { asset, network, payTo, type World } from './world.js';

/** Those who pay, honest or not, with the ingresses that they come to. */
export interface Crawlers {
  isIdle(): boolean;
  /** An ingress dies with all that it was about to do; another one takes its place. */
  replaceIngress(): void;
}

interface State {
  readonly world: World;
  readonly random: Random;
  readonly life: Life;
  readonly ingresses: Ingress[];
  open: number;
}

type Presented = Omit<Proof, 'requestId' | 'ingressId'>;

const signature = `0x${'11'.repeat(65)}`;

export function startCrawlers(world: World): Crawlers {
  const random = world.random.fork('crawlers');
  const ingresses = [createIngress(world), createIngress(world)];
  const state: State = { world, random, life: createLife('crawlers'), ingresses, open: 0 };
  for (const payer of world.plan.payers) {
    if (random.chance(0.1)) continue;
    const value = BigInt(random.between(2, 8) * 500);
    world.chain.act({ kind: 'mint', to: addressOfPayer(payer), value });
  }
  for (let crawl = 0; crawl < world.plan.crawls; crawl++) begin(state, crawl);
  if (random.chance(0.4)) moveMoney(state);
  return {
    isIdle: () => state.open === 0 && ingresses.every((one) => one.open() === 0),
    replaceIngress() {
      const at = random.between(0, ingresses.length - 1);
      const old = ingresses[at] as Ingress;
      world.note(`${old.life.name} died`);
      old.life.isDead = true;
      ingresses[at] = createIngress(world);
    },
  };
}

function begin(state: State, crawl: number): void {
  const { world, random, life } = state;
  state.open += 1;
  const atMs = random.draw() * world.plan.activeMs * 0.9;
  world.timeline.after(atMs, life, () => {
    void pay(state, crawl).finally(() => {
      state.open -= 1;
    });
  });
}

async function pay(state: State, crawl: number): Promise<void> {
  const { world, random } = state;
  let proof = newProof(state, crawl);
  if (random.chance(0.06)) endElsewhere(state, proof);
  // The same proof at two ingresses at once.
  const other = random.chance(0.25) ? present(state, proof) : undefined;
  let answer = await present(state, proof);
  await other;
  for (let again = 0; again < 3 && shouldRetry(state, proof, answer); again++) {
    await world.timeline.sleep(300 + random.draw() * random.pick([1_500, 6_000]), state.life);
    proof = askedOf(state, proof, answer);
    answer = await present(state, proof);
  }
  if (answer.kind === 'served' && random.chance(0.12)) spendSoon(state, proof);
  if (!random.chance(0.3)) return;
  // What was paid once, presented again: a repeat, or a theft.
  await world.timeline.sleep(random.draw() * 25_000, state.life);
  const path = random.chance(0.3) ? '/other' : proof.path;
  await present(state, { ...proof, path });
}

function shouldRetry({ world, random }: State, proof: Presented, answer: Answer): boolean {
  if (answer.kind === 'served') return false;
  if (answer.kind === 'refused' && answer.code === 'insufficient_funds' && random.chance(0.6)) {
    const value = BigInt(proof.amount) * 2n;
    world.chain.act({ kind: 'mint', to: proof.authorization.from, value });
    return true;
  }
  return random.chance(0.75);
}

/** An account with code is asked itself; as it would say to the ingress that checks. */
function askedOf({ world }: State, proof: Presented, answer: Answer): Presented {
  if (answer.kind !== 'refused' || answer.code !== 'needs_account_check') return proof;
  const blockNumber = world.chain.head().number;
  return { ...proof, signatureCheck: { kind: 'asked', blockNumber } };
}

/** Never longer than a client waits: an ingress that died says nothing. */
async function present(state: State, proof: Presented): Promise<Answer> {
  const { world, random, ingresses, life } = state;
  const ingress = random.pick(ingresses);
  const patience = world.timeline.sleep(40_000, life);
  const gone: Promise<Answer> = patience.then(() => ({ kind: 'unavailable' }));
  return Promise.race([ingress.serve(proof), gone]);
}

function newProof({ world, random }: State, crawl: number): Presented {
  const payer = random.pick(world.plan.payers);
  const from = addressOfPayer(payer);
  const nonce = `0x${(crawl + 1).toString(16).padStart(64, '0')}`;
  const value = String(random.between(1, 4) * 500);
  const nowS = Math.floor(world.timeline.nowMs / 1000);
  const validBefore = String(nowS + world.plan.marginS + random.between(15, 150));
  return {
    ...{ chargeId: chargeIdOf(network, asset, from, nonce), payer, publisherId: 'publisher-1' },
    ...{ network, asset, amount: value, method: 'GET', host: 'site.test', path: '/page' },
    ...{ crawler: 'GPTBot', ruleId: 'rule-1', ruleVersion: 1, dialect: 'x402-v2-exact' },
    kind: random.chance(0.1) ? 'facilitated' : 'crawl',
    payTo,
    authorization: { from, to: payTo, value, validAfter: '0', validBefore, nonce },
    signature,
    signatureCheck: { kind: 'recovered' },
    decideWithinMs: random.pick([500, 2_000, 5_000]),
    leaseMs: random.pick([500, 2_000, 8_000]),
    ...(random.chance(0.15) ? { paymentId: `pay-${crawl % 3}`, payloadHash: `hash-${crawl}` } : {}),
  };
}

/** The payer cancels, or has somebody else settle, what it pays with here. */
function endElsewhere({ world, random, life }: State, { authorization }: Presented): void {
  const { from, to, nonce, value, validAfter, validBefore } = authorization;
  const transfer: TransferCall = {
    ...{ from, to, nonce, value: BigInt(value) },
    ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) },
  };
  const isCancel = random.chance(0.5);
  world.timeline.after(random.draw() * 20_000, life, () => {
    world.note(
      `${from} ${isCancel ? 'cancels' : 'is settled elsewhere'}: nonce ${nonce.slice(-4)}`,
    );
    world.chain.act(isCancel ? { kind: 'cancel', from, nonce } : { kind: 'use', transfer });
  });
}

/** What was delivered is not paid for when the batch comes; later there is money again. */
function spendSoon({ world, random, life }: State, { authorization }: Presented): void {
  const { from } = authorization;
  const value = BigInt(random.between(2, 12) * 500);
  const atMs = random.draw() * 8_000;
  world.timeline.after(atMs, life, () => world.chain.act({ kind: 'spend', from, value }));
  if (random.chance(0.3)) return;
  world.timeline.after(atMs + 5_000 + random.draw() * 15_000, life, () =>
    world.chain.act({ kind: 'mint', to: from, value: value * 2n }),
  );
}

/** Payers spend what they owe, and come to money. */
function moveMoney({ world, random, life }: State): void {
  for (const payer of world.plan.payers) {
    const who = addressOfPayer(payer);
    const atMs = random.draw() * world.plan.activeMs;
    const value = BigInt(random.between(1, 10) * 500);
    world.timeline.after(atMs, life, () => world.chain.act({ kind: 'spend', from: who, value }));
    if (random.chance(0.5)) continue;
    world.timeline.after(atMs + random.draw() * 20_000, life, () =>
      world.chain.act({ kind: 'mint', to: who, value: value * 2n }),
    );
  }
}
