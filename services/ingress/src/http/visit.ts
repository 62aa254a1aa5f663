import type { ErrorCode } from '@paycrawl/errors/catalogue';
import { type Crawler, recogniseCrawler } from '@paycrawl/pricing/crawler';
import { normalizeTarget, type Target } from '@paycrawl/pricing/target';
import type { Exchange } from '@paycrawl/service-kit/plain-http/exchange';
import type { Site, Sites } from '../site/sites.js';

/** What a request is about, read once. */
export interface Visit {
  readonly requestId: string;
  readonly method: string;
  /** As sent, lower case, with its port. */
  readonly host: string;
  readonly site: Site;
  readonly target: Target;
  /** Canonical path and query: goes to the origin and stands in the events. */
  readonly path: string;
  /** Public scheme, host, canonical path and query: what a quote binds. */
  readonly url: string;
  readonly crawler: Crawler;
  readonly atMs: number;
  /** Traceparent for the records of this request; undefined where it is not recorded. */
  readonly trace: string | undefined;
}

export type VisitReading =
  | { readonly kind: 'visit'; readonly visit: Visit }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string };

export interface VisitContext {
  readonly sites: Sites;
  readonly scheme: 'http' | 'https';
  readonly requestId: string;
  readonly trace?: string | undefined;
  readonly atMs: number;
}

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i;

/** What is read of a request. */
export type Asked = Pick<Exchange, 'method' | 'target' | 'headers' | 'header'>;

export function readVisit(asked: Asked, context: VisitContext): VisitReading {
  const host = hostOf(asked.headers);
  if (host === 'several') return refused('host_duplicate', 'Host was sent more than once.');
  const site = host === undefined ? undefined : context.sites.byHost(host);
  if (host === undefined || site === undefined) {
    return refused('host_unknown', 'No publisher is registered for this host.');
  }
  const rawTarget = originForm(asked.target, host);
  if (rawTarget === undefined) {
    return refused('target_mismatch', 'The target names another host than the Host header.');
  }
  const target = normalizeTarget(rawTarget);
  if (target.kind === 'refused') return target;
  const path = target.path + target.query;
  const visit: Visit = {
    requestId: context.requestId,
    method: asked.method,
    host,
    site,
    target,
    path,
    url: `${context.scheme}://${host}${path}`,
    crawler: recogniseCrawler(asked.header('user-agent') ?? ''),
    atMs: context.atMs,
    trace: context.trace,
  };
  return { kind: 'visit', visit };
}

/** Node keeps the first of several Host headers; another hop might take the last. */
function hostOf(headers: readonly string[]): string | 'several' | undefined {
  let host: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return 'several';
    host = headers[i + 1] ?? '';
  }
  return host?.toLowerCase();
}

/** RFC 9112 §3.2.2: a server takes absolute form too; here only for the host it is sent to. */
function originForm(target: string, host: string): string | undefined {
  if (target.startsWith('/')) return target;
  const parts = absoluteForm.exec(target);
  if (parts === null) return target;
  const [, authority = '', rest = ''] = parts;
  if (authority.toLowerCase() !== host) return undefined;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function refused(code: ErrorCode, detail: string): VisitReading {
  return { kind: 'refused', code, detail };
}
