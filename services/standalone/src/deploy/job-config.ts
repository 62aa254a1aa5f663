import { logSchema } from '@paycrawl/service-kit/log-config';
import { Type } from '@sinclair/typebox';

/** Knobs of the one-shot jobs and of the demo site, as docker-compose.yml sets them. */
const secretsDir = Type.String({
  default: '.paycrawl/secrets',
  env: 'SECRETS_DIR',
  description: 'one folder below it for each service that has secrets',
});

const chainId = Type.Integer({ minimum: 1, default: 84532, env: 'CHAIN_ID' });

export const secretsJobSchema = Type.Object({
  secretsDir,
  partitions: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 4,
    description: 'one signer for each; fixed for the life of a log',
  }),
  clickhouseUser: Type.String({ pattern: '^[a-z][a-z0-9_]{0,30}$', default: 'paycrawl' }),
});

export const devnetJobSchema = Type.Object({
  secretsDir,
  chainRpcUrl: Type.String({ env: 'CHAIN_RPC_URL', description: 'JSON-RPC of the devnet' }),
  chainId,
});

export const publisherJobSchema = Type.Object({
  secretsDir,
  log: logSchema,
  dataDir: Type.String({ default: '.paycrawl', description: 'of the embedded log' }),
  chainId,
  siteOrigin: Type.String({ description: 'where the pages of the demo publisher are' }),
  publisherHosts: Type.Array(Type.String({ minLength: 1 }), {
    default: ['127.0.0.1', 'localhost'],
    description: 'names by which crawlers reach the ingress',
  }),
});

export const tokensJobSchema = Type.Object({ secretsDir });

export const siteSchema = Type.Object({
  host: Type.String({ default: '127.0.0.1', env: 'SITE_HOST' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535, default: 0, env: 'SITE_PORT' }),
});
