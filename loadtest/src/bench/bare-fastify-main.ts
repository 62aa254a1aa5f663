import { fastify } from 'fastify';

// A process of its own, as the platform is: the generator runs in the other one in both cases.
const [header = '', body = ''] = process.argv.slice(2);
const app = fastify();
app.get('/*', (_request, reply) =>
  reply
    .code(402)
    .header('payment-required', header)
    .header('content-type', 'application/json')
    .send(body),
);
await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.((app.server.address() as { port: number }).port);
