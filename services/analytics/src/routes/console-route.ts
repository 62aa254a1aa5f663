import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { fail } from '@paycrawl/errors/paycrawl-error';
import type { FastifyInstance } from 'fastify';

/** The console loads nothing from elsewhere and is shown in nobody's frame. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/** Static files at `/`; addresses of pages get index.html, because the console routes itself. */
export async function registerConsole(app: FastifyInstance, directory: string): Promise<void> {
  const isBuilt = existsSync(join(directory, 'index.html'));
  if (isBuilt) {
    await app.register(fastifyStatic, {
      root: directory,
      wildcard: false,
      cacheControl: false,
      setHeaders(response, path) {
        for (const [name, value] of Object.entries(securityHeaders))
          response.setHeader(name, value);
        // Names of built files hold a hash of their content.
        const isHashed = path.includes(`${directory}/assets/`);
        const cache = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache';
        response.setHeader('cache-control', cache);
      },
    });
  }
  app.get('/*', { schema: { hide: true } as object }, async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    // A publisher's id may have a dot in it: `/p/example.com` is a page.
    const isPage = path.startsWith('/p/') || (extname(path) === '' && !path.startsWith('/v1/'));
    if (!isPage) throw fail('route_not_found', 'Nothing is served at this address.');
    if (!isBuilt) throw fail('route_not_found', 'The console is not built.');
    return reply.sendFile('index.html');
  });
}
