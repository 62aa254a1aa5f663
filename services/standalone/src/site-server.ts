import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { fail } from '@paycrawl/errors/paycrawl-error';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';

/**
 * The demo's origin: a folder of files behind a plain file server. It knows nothing of payment,
 * as a publisher's site would not. ETag, Last-Modified, Range, HEAD and conditional requests are
 * those of @fastify/static, so that the ingress meets the real thing.
 */
export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

export interface SiteOptions {
  readonly directory: string;
  /** Absent: this machine only. */
  readonly host?: string;
  /** 0 = any free port. */
  readonly port?: number;
}

interface Redirect {
  readonly from: string;
  readonly to: string;
  readonly status: number;
}

/** Notes for maintainers that lie beside the documents and are not served. */
const unserved = /^\/(_|404\.html)|\.md$/;

/** The pages of the demo, beside this service in the repository and in the image. */
export const siteDirectory = fileURLToPath(new URL('../site', import.meta.url));

export async function startSite(options: SiteOptions): Promise<Site> {
  const app = buildSite(options.directory);
  await app.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') {
    throw fail('internal', 'The site has no TCP address.');
  }
  return { origin: `http://127.0.0.1:${address.port}`, close: () => app.close() };
}

/** The app apart from its port, for tests by `inject`. */
export function buildSite(directory: string): FastifyInstance {
  // Keep-alive connections of the ingress must not hold up a shutdown.
  const app = fastify({ forceCloseConnections: true });
  const notFound = readFileSync(join(directory, '404.html'));
  app.setNotFoundHandler((_request, reply) => sendNotFound(reply, notFound));
  for (const { from, to, status } of readRedirects(directory)) {
    app.get(from, (_request, reply) => reply.redirect(to, status));
  }
  app.register(fastifyStatic, {
    root: directory,
    // A publisher's caches may keep a page for a minute; conditional requests do the rest.
    cacheControl: true,
    maxAge: '60s',
    allowedPath: (path) => !unserved.test(path),
  });
  return app;
}

function sendNotFound(reply: FastifyReply, page: Buffer): FastifyReply {
  return reply
    .code(404)
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-cache')
    .send(page);
}

/** `_redirects`: one `from to status` a line. */
function readRedirects(directory: string): Redirect[] {
  return readFileSync(join(directory, '_redirects'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [from = '', to = '', status = ''] = line.trim().split(/\s+/);
      if (!/^30[1278]$/.test(status)) throw fail('config_invalid', `_redirects: ${line}`);
      return { from, to, status: Number(status) };
    });
}
