import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, browser, createFixture, type Fixture, payFor } from './testing/fixture.js';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await createFixture();
});
afterEach(() => fixture.close());

/** Bytes as they are, for what no client library would send. */
function raw(text: string): Promise<string> {
  const { hostname, port } = new URL(fixture.ingress.address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number.parseInt(port, 10), hostname, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

const line = (target: string) => `GET ${target} HTTP/1.1\r\n`;
const agent = 'User-Agent: GPTBot/1.2\r\nConnection: close\r\n\r\n';
const statusOf = (answer: string) => answer.slice(9, 12);

describe('paths', () => {
  test.each([
    '//page',
    '/./page',
    '/free/../page',
    '/free/%2e%2e/page',
    '/free/.%2E/page',
    '/page;x',
    '/free/../page;x=.txt',
    '/PAGE',
    '/page/',
    '/%70age',
  ])('behavior: %s costs', async (path) => {
    expect((await ask(fixture, { path })).status).toBe(402);
    expect(fixture.origin.requests).toHaveLength(0);
  });

  test.each([
    '/free/..%2fpage',
    '/free/%2e%2e%2fpage',
    '/free/..;/page',
    '/free/%252e%252e/page',
    '/free/..%5cpage',
    '/free/%00',
    '/free/%c0%ae%c0%ae/page',
  ])('error: path_ambiguous for %s, whoever asks', async (path) => {
    for (const userAgent of [browser, 'GPTBot/1.0']) {
      const got = await ask(fixture, { path, userAgent });
      expect(got.status).toBe(400);
      expect(JSON.parse(got.body).code).toBe('path_ambiguous');
    }
    expect(fixture.origin.requests).toHaveLength(0);
  });

  test('behavior: what goes to the origin is exactly what was priced', async () => {
    await ask(fixture, { path: '/free//a/./b/../%63?q=%2e%2e', userAgent: browser });
    expect(fixture.origin.requests[0]?.url).toBe('/free/a/c?q=%2e%2e');
    const { headers } = await payFor(fixture, { path: '/x//y' });
    expect((await ask(fixture, { path: '/x/y', headers })).status).toBe(200);
    expect(fixture.origin.requests[1]?.url).toBe('/x/y');
  });

  test('behavior: a free path that redirects to a paid one leads back to the till', async () => {
    fixture.origin.respond = (_, response) => {
      response.writeHead(302, { location: `${fixture.origin.url}/page` }).end();
    };
    const got = await ask(fixture, { path: '/free/a' });
    expect(got.status).toBe(302);
    expect(got.headers.location).toBe('http://site.example/page');
    expect(fixture.origin.requests).toHaveLength(1);
  });

  test('error: crawler_blocked', async () => {
    expect((await ask(fixture, { path: '/Closed/x' })).status).toBe(403);
    expect((await ask(fixture, { path: '/closed/x', userAgent: browser })).status).toBe(200);
  });
});

describe('hosts and targets', () => {
  test('error: host_unknown, and nothing is asked', async () => {
    const answer = await raw(`${line('/page')}Host: elsewhere.example\r\n${agent}`);
    expect(statusOf(answer)).toBe('421');
    expect(fixture.origin.requests).toHaveLength(0);
  });

  test('behavior: a host is known with its port or without', async () => {
    expect(statusOf(await raw(`${line('/page')}Host: SITE.example:81\r\n${agent}`))).toBe('402');
    expect(statusOf(await raw(`${line('/page')}Host: two.example:8080\r\n${agent}`))).toBe('402');
    expect(statusOf(await raw(`${line('/page')}Host: two.example\r\n${agent}`))).toBe('421');
  });

  test('error: host_duplicate', async () => {
    const hosts = 'Host: site.example\r\nHost: two.example:8080\r\n';
    expect(statusOf(await raw(`${line('/page')}${hosts}${agent}`))).toBe('400');
  });

  test('behavior: absolute form for the same host, and for no other', async () => {
    const host = 'Host: site.example\r\n';
    expect(statusOf(await raw(`${line('http://site.example/page')}${host}${agent}`))).toBe('402');
    expect(statusOf(await raw(`${line('http://evil.example/page')}${host}${agent}`))).toBe('400');
    expect(statusOf(await raw(`${line('http://site.example')}${host}${agent}`))).toBe('402');
    const asterisk = await raw(`OPTIONS * HTTP/1.1\r\n${host}${agent}`);
    expect(statusOf(asterisk)).toBe('400');
  });

  test('error: both Content-Length and Transfer-Encoding, or no Host at all', async () => {
    const both = 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n';
    const head = `POST /page HTTP/1.1\r\nHost: site.example\r\n`;
    expect(statusOf(await raw(`${head}${both}${agent}0\r\n\r\n`))).toBe('400');
    expect(statusOf(await raw(`${line('/page')}${agent}`))).toBe('400');
    expect(fixture.origin.requests).toHaveLength(0);
  });
});

describe('methods and conditions', () => {
  test('behavior: HEAD shows the price, and paid HEAD is not charged', async () => {
    const got = await ask(fixture, { method: 'HEAD' });
    expect(got).toMatchObject({ status: 402, body: '' });
    const { headers } = await payFor(fixture, { method: 'HEAD' });
    const paid = await ask(fixture, { method: 'HEAD', headers });
    expect(paid).toMatchObject({ status: 200, body: '' });
    expect(paid.headers['payment-response']).toBe(undefined);
    expect((await fixture.events('payments')).at(-1)).toMatchObject({
      type: 'CrawlNotDelivered',
      data: { outcome: 'head' },
    });
  });

  test('behavior: a range costs like the page, and is charged as partial_content', async () => {
    const range = { range: 'bytes=0-1' };
    expect((await ask(fixture, { headers: range })).status).toBe(402);
    fixture.origin.respond = (request, response) =>
      response.writeHead(206, { 'content-range': 'bytes 0-1/9' }).end(request.headers.range);
    const { headers } = await payFor(fixture);
    const got = await ask(fixture, { headers: { ...headers, ...range } });
    expect(got).toMatchObject({ status: 206, body: 'bytes=0-1' });
    expect((await fixture.events('payments')).at(-1)).toMatchObject({
      type: 'CrawlDelivered',
      data: { outcome: 'partial_content' },
    });
  });

  test('behavior: a condition does not go around the till, and 304 is not charged', async () => {
    const condition = { 'if-none-match': '"a"' };
    expect((await ask(fixture, { headers: condition })).status).toBe(402);
    fixture.origin.respond = (_, response) => response.writeHead(304, { etag: '"a"' }).end();
    const { headers } = await payFor(fixture);
    expect((await ask(fixture, { headers: { ...headers, ...condition } })).status).toBe(304);
    expect((await fixture.events('payments')).at(-1)).toMatchObject({
      data: { outcome: 'not_modified' },
    });
  });

  test('behavior: OPTIONS of a priced path is answered here', async () => {
    const got = await ask(fixture, { method: 'OPTIONS' });
    expect(got.status).toBe(204);
    expect(got.headers['access-control-allow-headers']).toContain('PAYMENT-SIGNATURE');
    expect(fixture.origin.requests).toHaveLength(0);
    expect((await ask(fixture, { method: 'OPTIONS', userAgent: browser })).status).toBe(200);
    expect(fixture.origin.requests).toHaveLength(1);
  });

  test('behavior: an upgrade is answered as the plain request that it is', async () => {
    const upgrade = 'Connection: Upgrade, close\r\nUpgrade: websocket\r\n';
    const head = `${line('/page')}Host: site.example\r\n`;
    expect(statusOf(await raw(`${head}${upgrade}User-Agent: GPTBot/1\r\n\r\n`))).toBe('402');
    expect(statusOf(await raw(`${head}${upgrade}User-Agent: ${browser}\r\n\r\n`))).toBe('200');
    expect(fixture.origin.requests[0]?.headers.upgrade).toBe(undefined);
  });
});

describe('what costs nothing', () => {
  test('behavior: people and search engines pass, any method, bodies both ways', async () => {
    fixture.origin.respond = (request, response) => {
      response.writeHead(201, { 'set-cookie': ['a=1', 'b=2'], 'x-method': String(request.method) });
      request.pipe(response);
    };
    const got = await ask(fixture, {
      method: 'PUT',
      userAgent: browser,
      body: 'upload',
      headers: { connection: 'close, x-drop', 'x-drop': '1', 'x-keep': '2', te: 'trailers' },
    });
    expect(got).toMatchObject({ status: 201, body: 'upload' });
    expect(got.headers['x-method']).toBe('PUT');
    expect(got.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(got.headers.vary).toBe('User-Agent');
    const [seen] = fixture.origin.requests;
    expect(seen?.headers['x-drop']).toBe(undefined);
    expect(seen?.headers.te).toBe(undefined);
    expect(seen?.headers['x-keep']).toBe('2');
    expect(seen?.headers['x-forwarded-proto']).toBe('http');
    expect(await fixture.events('challenges')).toEqual([]);
    expect(await fixture.events('payments')).toEqual([]);
  });

  test('behavior: free bodies are streamed, not held', async () => {
    let finish = () => undefined as unknown;
    fixture.origin.respond = (_, response) => {
      response.write('first');
      finish = () => response.end('last');
    };
    const { hostname, port } = new URL(fixture.ingress.address);
    const whole = await new Promise<string>((resolve) => {
      const socket = connect(Number.parseInt(port, 10), hostname);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.includes('first')) finish();
      });
      socket.on('close', () => resolve(text));
      socket.write(`${line('/free/a')}Host: site.example\r\n${agent}`);
    });
    expect(whole).toContain('last');
  });

  test('behavior: a free page that the origin breaks off is no whole page to the client', async () => {
    fixture.origin.respond = (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    };
    const got = await ask(fixture, { userAgent: browser });
    expect(got).toMatchObject({ status: 200, isComplete: false });
  });

  test('error: origin_unreachable on a free path is 502 and no event', async () => {
    await fixture.origin.close();
    const got = await ask(fixture, { userAgent: browser });
    expect(got.status).toBe(502);
    expect(JSON.parse(got.body).code).toBe('origin_unreachable');
  });
});
