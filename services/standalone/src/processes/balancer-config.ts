import { fail } from '@paycrawl/errors/paycrawl-error';

/** A server behind the balancer: where requests go, and where readiness is asked. */
export interface BalancedServer {
  readonly host: string;
  readonly port: number;
  readonly checkPort: number;
}

export interface Frontend {
  readonly port: number;
  readonly servers: readonly BalancedServer[];
}

/** The frontends of `infra/deploy/balancer.cfg` (HAProxy) with what stands behind each. */
export function readBalancerConfig(text: string): readonly Frontend[] {
  const frontends: { port: number; backend: string }[] = [];
  const backends = new Map<string, BalancedServer[]>();
  let port: number | undefined;
  let backend: string | undefined;
  for (const line of text.split('\n').map((raw) => raw.trim().split(/\s+/))) {
    const [word = '', first = ''] = line;
    if (word === 'frontend' || word === 'backend' || word === 'defaults' || word === 'global') {
      port = undefined;
      backend = word === 'backend' ? first : undefined;
    }
    // `bind :8080`; those of one address are for probes inside the container.
    if (word === 'bind' && first.startsWith(':')) port = Number.parseInt(first.slice(1), 10);
    if (word === 'default_backend' && port !== undefined) frontends.push({ port, backend: first });
    if (word !== 'server' || backend === undefined) continue;
    backends.set(backend, [...(backends.get(backend) ?? []), serverOf(line)]);
  }
  return frontends.map((frontend) => ({
    port: frontend.port,
    servers: backends.get(frontend.backend) ?? [],
  }));
}

/** `server ingress-1 ingress-1:8080 check port 9464 …` */
function serverOf(line: readonly string[]): BalancedServer {
  const [host, port] = (line[2] ?? '').split(':');
  if (host === undefined || port === undefined || !/^\d+$/.test(port)) {
    throw fail('config_invalid', `balancer.cfg: ${line.join(' ')}`);
  }
  const checkPort = line[line.indexOf('port') + 1];
  return {
    host,
    port: Number.parseInt(port, 10),
    checkPort: Number.parseInt(line.includes('port') ? (checkPort ?? port) : port, 10),
  };
}
