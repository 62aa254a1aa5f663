import type { Answer } from '@paycrawl/service-kit/plain-http/answer';
import { exposedHeaders } from '../challenge/challenge.js';

const allowed = 'GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE';

/**
 * OPTIONS of a priced path is answered here: it costs nothing, so it must not reach an origin that
 * might answer with content. Reference clients send the odd Access-Control-Expose-Headers.
 */
export const preflightAnswer: Answer = {
  status: 204,
  headers: {
    allow: allowed,
    'cache-control': 'no-store',
    'access-control-allow-origin': '*',
    'access-control-allow-methods': allowed,
    'access-control-allow-headers':
      'PAYMENT-SIGNATURE, X-PAYMENT, Access-Control-Expose-Headers, Content-Type',
    'access-control-expose-headers': exposedHeaders,
  },
  body: '',
};
