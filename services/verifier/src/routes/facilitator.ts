import { fail } from '@paycrawl/errors/paycrawl-error';
import {
  type FacilitatorReading,
  proveFacilitatorClaim,
  readFacilitatorClaim,
  type SupportedAnswer,
  type VerifyAnswer,
} from '@paycrawl/protocol/facilitator';
import { v1NameOf } from '@paycrawl/protocol/networks';
import { traceRequest } from '@paycrawl/service-kit/request-span';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { outcomeGraceMs } from '../admission/state.js';
import type { Accounts, Credentials } from '../facilitator/accounts.js';
import { type FacilitatorContext, tokenOf } from '../facilitator/context.js';
import { settle } from '../facilitator/settle.js';
import { verify } from '../facilitator/verify.js';
import type { Instruments } from '../instruments.js';

export interface FacilitatorRoutesOptions {
  readonly context: FacilitatorContext;
  readonly accounts: Accounts;
  readonly instruments: Pick<Instruments, 'verified' | 'settlements'>;
  /** Addresses that settlement sends from: resource servers look for them in `/supported`. */
  readonly signers: readonly string[];
  /** How long an authorization must still be valid now. */
  marginS(): number;
}

/** Answers a `POST /verify`, whoever read it off the wire. */
export type AnswerVerify = (
  body: unknown,
  credentials: Credentials,
  trace: () => string | undefined,
) => Promise<VerifyAnswer>;

export function createAnswerVerify({
  context,
  accounts,
  marginS,
  instruments,
}: FacilitatorRoutesOptions): AnswerVerify {
  return async (body, credentials, trace) => {
    const account = accounts.accountOf(credentials);
    const reading = await read(body, context, marginS());
    const answer = await verify(reading, account, withTrace(context, trace()));
    instruments.verified(answer.isValid);
    return answer;
  };
}

/** The x402 facilitator API: every verdict is a 200; other statuses say that there is none. */
export function registerFacilitator(
  app: FastifyInstance,
  answerVerify: AnswerVerify,
  { context, accounts, signers, instruments }: FacilitatorRoutesOptions,
): void {
  const { config, telemetry } = context;
  const traced = ({ raw }: FastifyRequest, reply: FastifyReply): string | undefined =>
    telemetry && traceRequest(telemetry, 'facilitator', raw, reply.raw);
  let settling = 0;

  app.get('/supported', async (_request, reply) => plain(reply, supported(context, signers)));

  app.post('/verify', async (request, reply) => {
    const trace = () => traced(request, reply);
    return plain(reply, await answerVerify(request.body, request.headers, trace));
  });

  app.post('/settle', async (request, reply) => {
    const account = accounts.accountOf(request.headers);
    if (settling >= config.facilitator.settlesInFlightMax) {
      throw fail('facilitator_overloaded', 'Too many settlements are under way.');
    }
    settling += 1;
    try {
      // How a remembered payload stands is told also after its end; new ones the fold refuses.
      const reading = await read(request.body, context, -outcomeGraceMs / 1000);
      const answer = await settle(reading, account, withTrace(context, traced(request, reply)));
      instruments.settlements.inc({ answer: answer.success ? 'success' : answer.errorReason });
      return plain(reply, answer);
    } finally {
      settling -= 1;
    }
  });
}

function withTrace(context: FacilitatorContext, trace: string | undefined): FacilitatorContext {
  return trace === undefined ? context : { ...context, trace };
}

async function read(
  body: unknown,
  context: FacilitatorContext,
  marginS: number,
): Promise<FacilitatorReading> {
  const nowMs = context.clock();
  const reading = readFacilitatorClaim(body, { nowMs, marginS, tokenOf: tokenOf(context) });
  if (reading.kind === 'refused') return reading;
  if (reading.kind === 'claim') {
    const { digest, signature } = reading.signed;
    return proveFacilitatorClaim(reading, await context.recover(digest, signature));
  }
  throw fail('request_invalid', `Not a facilitator request: ${reading.detail}`.slice(0, 500));
}

function plain(reply: FastifyReply, answer: unknown): FastifyReply {
  return reply.header('cache-control', 'no-store').send(answer);
}

function supported({ token }: FacilitatorContext, signers: readonly string[]): SupportedAnswer {
  const { network } = token;
  const v1Name = v1NameOf(network);
  const v1 = v1Name === undefined ? [] : [{ x402Version: 1, scheme: 'exact', network: v1Name }];
  return {
    kinds: [{ x402Version: 2, scheme: 'exact', network }, ...v1],
    extensions: [],
    signers: { 'eip155:*': [...signers] },
  };
}
