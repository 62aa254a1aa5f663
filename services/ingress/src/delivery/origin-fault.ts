/** What went wrong before the headers of the origin came. */
export type OriginFault = 'origin_unreachable' | 'origin_timeout' | 'client_disconnected';

const timeouts = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** What an error of the origin's client means; whoever hung up is the cause of what came after. */
export function faultOf(error: unknown, isClientGone: boolean): OriginFault {
  if (isClientGone) return 'client_disconnected';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && timeouts.has(code) ? 'origin_timeout' : 'origin_unreachable';
}
