import { Buffer } from 'node:buffer';
import { type ClientRequest, Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { fail } from '@paycrawl/errors/paycrawl-error';

/** Sends a JSON text and gives back the text of the answer; throws for whatever is none. */
export type Post = (body: string) => Promise<string>;

// The platform's own client: `fetch` spends more on its streams than everything else costs here.
const plain = { request: requestHttp, agent: new HttpAgent({ keepAlive: true }) };
const secure = { request: requestHttps, agent: new HttpsAgent({ keepAlive: true }) };

/** Opens nothing until the first text; idle connections keep no process alive. */
export function openPost(url: string, timeoutMs: number): Post {
  const target = new URL(url);
  const { request, agent } = target.protocol === 'https:' ? secure : plain;
  const begin = (body: string): ClientRequest => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    return request(target, { method: 'POST', agent, headers });
  };
  return async (body) => {
    const first = begin(body);
    try {
      return await exchange(first, body, timeoutMs);
    } catch (error) {
      // The node closed an idle connection while the text was on its way. Should it have read it:
      // a question asked twice changes nothing, and neither do bytes sent twice.
      const isStale = first.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!isStale) throw error;
      return exchange(begin(body), body, timeoutMs);
    }
  };
}

function exchange(asking: ClientRequest, body: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // Bounds the whole exchange, so that a body that trickles ends too.
    const timer = setTimeout(() => asking.destroy(noAnswer('in time')), timeoutMs);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      settle();
    };
    asking.once('error', (error) => end(() => reject(error)));
    asking.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', () => end(() => reject(noAnswer('to its end'))));
      answer.once('end', () => {
        const { statusCode = 0 } = answer;
        const isGood = statusCode >= 200 && statusCode < 300;
        if (isGood) end(() => resolve(Buffer.concat(chunks).toString()));
        else end(() => reject(noAnswer(`but with status ${statusCode}`)));
      });
    });
    asking.end(body);
  });
}

function noAnswer(how: string) {
  return fail('chain_unavailable', `The chain node did not answer ${how}.`);
}
