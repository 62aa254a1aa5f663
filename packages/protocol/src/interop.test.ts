import { Buffer } from 'node:buffer';
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { parsePaymentPayload, parsePaymentRequired } from '@x402/core/schemas';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { createWalletClient, http } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { describe, expect, test } from 'vitest';
import { decodeXPaymentResponse, wrapFetchWithPayment as wrapFetchV1 } from 'x402-fetch';
import type { Token } from './exact-evm.js';
import type { ReadContext } from './proof.js';
import { writeQuote } from './quote.js';
import { readProof } from './read-proof.js';
import * as V1Offer from './x402-v1-exact/offer.js';
import * as V1Receipt from './x402-v1-exact/receipt.js';
import * as V2Offer from './x402-v2-exact/offer.js';
import * as V2Receipt from './x402-v2-exact/receipt.js';

// The published clients meet our 402 and our reader meets what they send.

const token: Token = {
  network: 'eip155:84532',
  chainId: 84532n,
  asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
};
const payTo = `0x${'ab'.repeat(20)}`;
const url = 'http://site.example/articles/1?page=2';
const key = { id: 'k1', secret: Buffer.alloc(32, 7) };
const nowMs = Date.now();
const quote = {
  challengeId: 'ch_0123456789abcdef',
  ruleId: 'articles',
  ruleVersion: 1,
  expiresAtS: Math.floor(nowMs / 1000) + 300,
};
const terms: V2Offer.OfferTerms = {
  token,
  payTo,
  amount: '1000',
  description: 'One crawl of a page',
  mimeType: 'text/html',
  maxTimeoutSeconds: 300,
};
const context: ReadContext = {
  method: 'GET',
  url,
  nowMs,
  skewMs: 5_000,
  marginS: 60,
  keys: [key],
  tokenOf: (network, asset) =>
    network === token.network && asset === token.asset ? token : undefined,
  current: { network: token.network, asset: token.asset, payTo, amount: 1000n },
};
const account = privateKeyToAccount(generatePrivateKey());

function offerHeader(): string {
  const { network, asset } = token;
  const bound = { method: 'GET', url, network, asset, payTo, amount: '1000' };
  const challenge = writeQuote(key, bound, quote);
  return V2Offer.writeOffer(V2Offer.prepareOffer(terms), 'Payment required', url, challenge);
}

function paymentRequired(): Response {
  const body = V1Offer.writeOffer(V1Offer.prepareOffer(terms), 'X-PAYMENT header is required', url);
  const headers = { 'PAYMENT-REQUIRED': offerHeader(), 'Content-Type': 'application/json' };
  return new Response(body, { status: 402, headers });
}

/** A site that asks for payment until a payment header comes, and keeps what came. */
function fakeSite(receiptHeaders: Record<string, string>) {
  const received: Headers[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { headers } = new Request(input, init);
    received.push(headers);
    const isPaid = headers.has('PAYMENT-SIGNATURE') || headers.has('X-PAYMENT');
    return isPaid ? new Response('content', { headers: receiptHeaders }) : paymentRequired();
  };
  const proofSent = () => {
    const last = received.at(-1);
    const paymentSignature = last?.get('PAYMENT-SIGNATURE') ?? undefined;
    return readProof({ paymentSignature, xPayment: last?.get('X-PAYMENT') ?? undefined }, context);
  };
  return { fetch, proofSent, received };
}

describe('@x402/fetch, version 2', () => {
  test('behavior: pays our offer, and the proof is read with its quote', async () => {
    const receipt = V2Receipt.writeReceipt({
      payer: account.address,
      network: token.network,
      commitmentId: 'c1',
    });
    const site = fakeSite({ 'PAYMENT-RESPONSE': receipt });
    const client = new x402Client().register('eip155:84532', new ExactEvmScheme(account));
    const response = await wrapFetchWithPayment(site.fetch, client)(url);
    expect(await response.text()).toBe('content');
    expect(site.proofSent()).toMatchObject({
      kind: 'proof',
      proof: {
        dialect: 'x402-v2-exact',
        payer: account.address.toLowerCase(),
        amount: 1000n,
        check: { kind: 'recovered' },
        quote,
      },
    });
    const sent = JSON.parse(
      Buffer.from(site.received.at(-1)?.get('PAYMENT-SIGNATURE') ?? '', 'base64').toString(),
    );
    expect(parsePaymentPayload(sent).success).toBe(true);
    expect(decodePaymentResponseHeader(receipt)).toEqual({
      success: true,
      payer: account.address,
      transaction: '',
      network: 'eip155:84532',
      extra: { commitmentId: 'c1' },
    });
  });

  test('behavior: the offer fits the published schema and stays below 2 KB', () => {
    const header = offerHeader();
    const decoded = decodePaymentRequiredHeader(header);
    expect(parsePaymentRequired(decoded).success).toBe(true);
    expect(header.length).toBeLessThan(2048);
    expect(decoded).toMatchObject({
      resource: { url, description: 'One crawl of a page', mimeType: 'text/html' },
      accepts: [{ amount: '1000', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' }],
      extensions: { 'payment-identifier': { info: { required: false } } },
    });
  });
});

describe('x402-fetch, version 1', () => {
  test('behavior: pays our body, and the proof is read', async () => {
    const receipt = V1Receipt.writeReceipt({
      payer: account.address,
      network: token.network,
      commitmentId: 'c1',
    });
    const site = fakeSite({ 'X-PAYMENT-RESPONSE': receipt });
    const transport = http('http://127.0.0.1:9'); // never asked: signing is local
    const wallet = createWalletClient({ account, chain: baseSepolia, transport });
    const pay = wrapFetchV1(site.fetch, wallet as unknown as Parameters<typeof wrapFetchV1>[1]);
    const response = await pay(url, {});
    expect(await response.text()).toBe('content');
    expect(site.proofSent()).toMatchObject({
      kind: 'proof',
      proof: {
        dialect: 'x402-v1-exact',
        payer: account.address.toLowerCase(),
        check: { kind: 'recovered' },
      },
    });
    expect(decodeXPaymentResponse(receipt)).toMatchObject({
      success: true,
      network: 'base-sepolia',
    });
  });
});

test('behavior: a failed receipt names the reason and no transaction', () => {
  const failed = { errorReason: 'insufficient_funds', network: token.network, payer: payTo };
  expect(decodePaymentResponseHeader(V2Receipt.writeFailedReceipt(failed))).toMatchObject({
    success: false,
    errorReason: 'insufficient_funds',
    transaction: '',
  });
  expect(decodePaymentResponseHeader(V1Receipt.writeFailedReceipt(failed))).toMatchObject({
    network: 'base-sepolia',
  });
});

test('behavior: an offer on a network without a version 1 name has an empty version 1 list', () => {
  const elsewhere = { ...terms, token: { ...token, network: 'eip155:31337' } };
  const body = V1Offer.writeOffer(V1Offer.prepareOffer(elsewhere), 'e', url);
  expect(JSON.parse(body)).toEqual({ x402Version: 1, error: 'e', accepts: [] });
});
