import type { Readable, Writable } from 'node:stream';
import { dependsOnCrawler } from '@paycrawl/pricing/match-rule';
import { problemAnswer } from '@paycrawl/service-kit/plain-http/answer';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import type { OriginRequest, Origins } from '../delivery/origin.js';
import { codeOfFault } from '../delivery/outcome.js';
import { answerHeaders, requestHeaders, withVary } from '../http/headers.js';
import type { Visit } from '../http/visit.js';

export interface PassThroughDeps {
  readonly origins: Origins;
  readonly scheme: 'http' | 'https';
}

/** A request that costs nothing: streamed both ways, any method, nothing written to the log. */
export async function passThrough(
  deps: PassThroughDeps,
  visit: Visit,
  exchange: Exchange,
): Promise<void> {
  const { site, method } = visit;
  const abort = new AbortController();
  exchange.onEnd((isComplete) => {
    if (!isComplete) abort.abort();
  });
  const asked: OriginRequest = {
    origin: site.origin,
    method,
    path: visit.path,
    headers: requestHeaders(exchange.headers, {
      originHost: site.originHost,
      publicHost: visit.host,
      scheme: deps.scheme,
      remoteAddress: exchange.remoteAddress,
      isPaid: false,
    }),
    body: exchange.body ?? null,
  };
  const opened = await deps.origins.open(asked, abort.signal);
  if (opened.kind === 'failed') {
    const code = codeOfFault(opened.outcome);
    return exchange.answer(problemAnswer(code, 'The site behind did not answer.'));
  }
  const { statusCode, body } = opened.answer;
  const headers = answerHeaders(opened.answer.headers, {
    originUrl: site.origin,
    publicUrl: visit.url.slice(0, visit.url.length - visit.path.length),
    isPaid: false,
  });
  // A shared cache must not hand a person's copy to a crawler that would have to pay.
  if (site.book !== undefined && dependsOnCrawler(site.book, visit.target, visit.atMs)) {
    headers.vary = withVary(headers.vary, 'User-Agent');
  }
  await pump(body, exchange.stream(statusCode, headers));
}

/**
 * As `pipeline` does it, without the abort and its error that `pipeline` makes at every end.
 * When one side breaks off, the other is closed, so that nobody takes half a page for a whole one.
 */
function pump(body: Readable, client: Writable): Promise<void> {
  return new Promise((resolve) => {
    body.on('error', () => client.destroy());
    client.once('close', () => {
      body.destroy();
      resolve();
    });
    if (client.closed) {
      body.destroy();
      resolve();
    } else body.pipe(client);
  });
}
