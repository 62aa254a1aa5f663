import { randomBytes } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { Authorization } from '@paycrawl/chain/usdc';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { Wallet } from '@paycrawl/testkit/devnet-actions';
import { makeAuthorization, signAuthorization } from '@paycrawl/testkit/payments';
import { x402Client, x402HTTPClient } from '@x402/core/client';
import { decodePaymentRequiredHeader, encodePaymentSignatureHeader } from '@x402/core/http';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/**
 * A crawler whose every request a test can shape: host, headers and the moment of each. Offers
 * are read and proofs are made by the published client.
 */
export interface Page {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Visit {
  readonly path: string;
  /** Of the publisher; that of the ingress when absent. */
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hangs up after this. */
  readonly signal?: AbortSignal;
}

export interface Visitor {
  visit(visit: Visit): Promise<Page>;
  /** What the 402 asks for. */
  offer(visit: Visit): Promise<PaymentRequired>;
  /** Asks for the price and makes a proof, but does not present it. */
  proof(wallet: Wallet, visit: Visit): Promise<string>;
  present(proof: string, visit: Visit): Promise<Page>;
  /** The whole way: 402, proof, page. */
  pay(wallet: Wallet, visit: Visit): Promise<Page>;
  close(): void;
}

export const crawlerAgent = 'GPTBot/1.3';

export function openVisitor(ingress: string): Visitor {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const visit = (wanted: Visit) => fetchPage(ingress, agent, wanted);
  const offer = async (wanted: Visit) => offerOf(await visit(wanted));
  const proof = async (wallet: Wallet, wanted: Visit) =>
    encodePaymentSignatureHeader(await signed(wallet, await offer(wanted)));
  const present = (header: string, wanted: Visit) =>
    visit({ ...wanted, headers: { ...wanted.headers, 'payment-signature': header } });
  return {
    ...{ visit, offer, proof, present },
    pay: async (wallet, wanted) => present(await proof(wallet, wanted), wanted),
    close: () => agent.destroy(),
  };
}

/** Signs what is asked for, as the published client does. */
export async function signed(wallet: Wallet, required: PaymentRequired): Promise<PaymentPayload> {
  const scheme = new ExactEvmScheme(privateKeyToAccount(wallet.privateKey));
  const client = new x402Client().register('eip155:84532', scheme);
  return new x402HTTPClient(client).createPaymentPayload(required);
}

/** The same offer signed for a window of the crawler's own choice. */
export async function signedFor(
  wallet: Wallet,
  required: PaymentRequired,
  validForS: number,
): Promise<PaymentPayload> {
  const payload = await signed(wallet, required);
  const { payTo, amount } = payload.accepted;
  const authorization = makeAuthorization({
    ...{ from: wallet.address, to: payTo as Hex, value: BigInt(amount) },
    validBefore: BigInt(Math.floor(Date.now() / 1000) + validForS),
  });
  const signature = await signAuthorization(authorization, wallet);
  return { ...payload, payload: { authorization: textOf(authorization), signature } };
}

/** Names the payment, as the payment-identifier extension does. */
export function named(
  payload: PaymentPayload,
  id = `pay_${randomBytes(12).toString('hex')}`,
): string {
  const extensions = structuredClone(payload.extensions ?? {}) as Record<
    string,
    { info: { id?: string } }
  >;
  const declared = extensions['payment-identifier'];
  if (declared === undefined) throw fail('internal', 'The offer has no payment identifier.');
  declared.info.id = id;
  return encodePaymentSignatureHeader({ ...payload, extensions });
}

export function textOf(authorization: Authorization) {
  const { value, validAfter, validBefore, ...rest } = authorization;
  return {
    ...rest,
    value: value.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
  };
}

export function offerOf({ status, headers }: Page): PaymentRequired {
  const header = headers['payment-required'];
  if (typeof header === 'string') return decodePaymentRequiredHeader(header);
  throw fail('internal', `Expected a 402 with an offer, got ${status}.`);
}

/** The x402 reason of a 402, or the code of a problem. */
export function refusalOf(page: Page): string {
  const header = page.headers['payment-required'];
  if (typeof header === 'string') return decodePaymentRequiredHeader(header).error ?? '';
  return (JSON.parse(page.body) as { code: string }).code;
}

function fetchPage(ingress: string, agent: Agent, visit: Visit): Promise<Page> {
  const { path, host, method = 'GET', headers = {}, signal } = visit;
  const { hostname, port } = new URL(ingress);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ hostname, port, path, method, agent },
        headers: { 'user-agent': crawlerAgent, ...(host ? { host } : {}), ...headers },
        ...(signal === undefined ? {} : { signal }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const body = Buffer.concat(chunks).toString();
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end();
  });
}
