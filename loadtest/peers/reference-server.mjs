// The reference resource server: @x402/express in front of a page of two kilobytes, paid for
// through the reference facilitator. Settings: FACILITATOR_URL, PAY_TO.
import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import express from 'express';

const { FACILITATOR_URL, PAY_TO } = process.env;
const network = 'eip155:84532';
const page = Buffer.alloc(2048, 'A page of two kilobytes. ');

const facilitator = new HTTPFacilitatorClient({ url: FACILITATOR_URL });
const resources = new x402ResourceServer(facilitator).register(network, new ExactEvmScheme());
const accepts = { scheme: 'exact', price: '$0.001', network, payTo: PAY_TO };

const app = express();
app.use(paymentMiddleware({ 'GET /page': { accepts, description: 'A page' } }, resources));
app.get('/page', (_request, response) => {
  response.type('html').send(page);
});

const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
// Whoever started it is gone.
process.once('disconnect', () => process.exit());
