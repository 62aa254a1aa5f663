// The reference facilitator, as its own examples build it: one wallet, express, in memory.
// Settings come from the environment: RPC_URL, PRIVATE_KEY, NONCE_MANAGER=1 for viem's.
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import express from 'express';
import { createWalletClient, http, publicActions } from 'viem';
import { nonceManager, privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';

const { RPC_URL, PRIVATE_KEY, NONCE_MANAGER } = process.env;
const account = privateKeyToAccount(PRIVATE_KEY, NONCE_MANAGER === '1' ? { nonceManager } : {});
const client = createWalletClient({
  account,
  chain: baseSepolia,
  transport: http(RPC_URL),
  // The devnet mines at once; with the default it would be waited for four seconds.
  pollingInterval: 5,
}).extend(publicActions);

const signer = toFacilitatorEvmSigner({
  address: account.address,
  readContract: (args) => client.readContract({ ...args, args: args.args ?? [] }),
  verifyTypedData: (args) => client.verifyTypedData(args),
  writeContract: (args) => client.writeContract({ ...args, args: args.args ?? [] }),
  sendTransaction: (args) => client.sendTransaction(args),
  waitForTransactionReceipt: (args) => client.waitForTransactionReceipt(args),
  getCode: (args) => client.getCode(args),
});
const facilitator = new x402Facilitator().register('eip155:84532', new ExactEvmScheme(signer));

const app = express();
app.use(express.json());
app.get('/supported', (_request, response) => {
  response.json(facilitator.getSupported());
});
app.post('/verify', answer('verify'));
app.post('/settle', answer('settle'));

function answer(method) {
  return async (request, response) => {
    const { paymentPayload, paymentRequirements } = request.body;
    try {
      response.json(await facilitator[method](paymentPayload, paymentRequirements));
    } catch (error) {
      response.status(500).json({ error: String(error?.message ?? error) });
    }
  };
}

const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
// Whoever started it is gone.
process.once('disconnect', () => process.exit());
