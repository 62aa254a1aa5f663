import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import * as V1Offer from './x402-v1-exact/offer.js';
import * as V1Receipt from './x402-v1-exact/receipt.js';
import type { OfferTerms } from './x402-v2-exact/offer.js';
import * as V2Offer from './x402-v2-exact/offer.js';
import * as V2Receipt from './x402-v2-exact/receipt.js';

// Pinned: what stands here is what clients have seen from us.

const terms: OfferTerms = {
  token: {
    network: 'eip155:84532',
    chainId: 84532n,
    asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    name: 'USDC',
    version: '2',
  },
  payTo: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  amount: '1000',
  description: 'One "page"',
  mimeType: 'text/html',
  maxTimeoutSeconds: 300,
};
const url = 'http://site.example/é?q="1"';
const decode = (header: string) => Buffer.from(header, 'base64').toString();

test('behavior: the version 2 offer, byte by byte', () => {
  const header = V2Offer.writeOffer(V2Offer.prepareOffer(terms), 'Payment required', url, '1.a.b');
  expect(decode(header)).toBe(
    '{"x402Version":2,"error":"Payment required",' +
      '"resource":{"url":"http://site.example/é?q=\\"1\\"","description":"One \\"page\\"",' +
      '"mimeType":"text/html"},"accepts":[{"scheme":"exact","network":"eip155:84532",' +
      '"amount":"1000","asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",' +
      '"payTo":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","maxTimeoutSeconds":300,' +
      '"extra":{"name":"USDC","version":"2","challenge":"1.a.b"}}],' +
      '"extensions":{"payment-identifier":{"info":{"required":false},"schema":' +
      '{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",' +
      '"properties":{"required":{"type":"boolean"},"id":{"type":"string","minLength":16,' +
      '"maxLength":128,"pattern":"^[a-zA-Z0-9_-]+$"}},"required":["required"]}}}}',
  );
});

test('behavior: the version 1 offer, byte by byte, with our code beside it', () => {
  const prepared = V1Offer.prepareOffer(terms);
  const offer =
    '"accepts":[{"scheme":"exact","network":"base-sepolia","maxAmountRequired":"1000",' +
    '"resource":"http://site.example/é?q=\\"1\\"","description":"One \\"page\\"",' +
    '"mimeType":"text/html","payTo":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8",' +
    '"maxTimeoutSeconds":300,"asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",' +
    '"extra":{"name":"USDC","version":"2"}}]';
  expect(V1Offer.writeOffer(prepared, 'e', url)).toBe(`{"x402Version":1,"error":"e",${offer}}`);
  expect(V1Offer.writeOffer(prepared, 'e', url, 'proof_expired')).toBe(
    `{"x402Version":1,"error":"e",${offer},"code":"proof_expired"}`,
  );
});

test('behavior: receipts, byte by byte', () => {
  const receipt = { payer: terms.payTo, network: 'eip155:84532', commitmentId: 'c1' };
  expect(decode(V2Receipt.writeReceipt(receipt))).toBe(
    '{"success":true,"payer":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","transaction":"",' +
      '"network":"eip155:84532","extra":{"commitmentId":"c1"}}',
  );
  expect(decode(V1Receipt.writeReceipt(receipt))).toContain('"network":"base-sepolia"');
  const failed = { errorReason: 'insufficient_funds', network: 'eip155:84532' };
  expect(decode(V2Receipt.writeFailedReceipt(failed))).toBe(
    '{"success":false,"errorReason":"insufficient_funds","transaction":"",' +
      '"network":"eip155:84532"}',
  );
});
