import { expect, test } from 'vitest';
import { createMetrics } from './metrics.js';

test('behavior: metrics carry the service and never meet those of another registry', async () => {
  const ingress = createMetrics({ service: 'ingress' });
  const verifier = createMetrics({ service: 'verifier' });
  const spec = { name: 'paycrawl_crawls_total', help: 'Crawls.', labels: ['outcome'] as const };
  ingress.counter(spec).inc({ outcome: 'delivered' }, 2);
  verifier.counter(spec).inc({ outcome: 'delivered' });
  expect(await ingress.render()).toContain(
    'paycrawl_crawls_total{outcome="delivered",service="ingress"} 2',
  );
  expect(await verifier.render()).toContain('service="verifier"} 1');
});

test('behavior: a gauge is asked at scrape time; a histogram has the common buckets', async () => {
  const metrics = createMetrics({ service: 's' });
  let depth = 0;
  metrics.gauge({ name: 'depth', help: 'd', collect: (gauge) => gauge.set(depth) });
  metrics.histogram({ name: 'commit_seconds', help: 'c' }).observe(0.002);
  depth = 7;
  const text = await metrics.render();
  expect(text).toContain('depth{service="s"} 7');
  expect(text).toContain('le="0.0025",service="s"} 1');
});
