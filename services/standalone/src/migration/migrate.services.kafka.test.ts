import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setGeneration } from '@paycrawl/events/topics';
import { growSigners, loadSigners } from '@paycrawl/settlement/signers';
import { type KafkaCluster, startKafka, wipeKafka } from '@paycrawl/testkit/kafka-broker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { payWithV2 } from '../demo/paying-fetch.js';
import type { ServiceName } from '../processes/start-service.js';
import { auditLines, cleanVerdict } from '../testing/audit-cli.js';
import { openReadApi } from '../testing/read-api.js';
import { runMigrate, runProgram } from '../testing/run-command.js';
import { type SeparateServices, startSeparateServices } from '../testing/separate-services.js';
import { usdcBalance } from '../usdc-balance.js';

// Services as processes of their own over a broker grow from 2 partitions to 4, as the operations
// guide says: the operator adds signers, migrates, and whoever runs the processes starts them again.

const services = ['verifier', 'ingress', 'metering', 'settlement', 'analytics'] as const;
const partitions = 4;
const pagePrice = 1_000n;
const eventually = { timeout: 40_000, interval: 100 };
const gasWei = 10n ** 18n;

let directory: string;
let kafka: KafkaCluster;
let platform: SeparateServices;
let paidAtomic = 0n;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paycrawl-kafka-'));
  kafka = await startKafka({ directory, nodes: 1 });
  platform = await startSeparateServices({ brokers: kafka.brokers, partitions: 2 });
}, 120_000);

afterAll(async () => {
  setGeneration(1);
  await platform?.remove();
  await wipeKafka(directory);
}, 60_000);

/** A crawler that is told to come back (503: a busy machine) does, and pays once all the same. */
async function everybodyPays(path: string): Promise<void> {
  const till = platform.member('ingress-1').origin;
  const pays = platform.people.crawlers.map(async ({ privateKey }, i) => {
    const { rpcUrl } = platform.devnet;
    const visit = async () => {
      const { fetch } = payWithV2({ privateKey, rpcUrl, budget: pagePrice });
      const url = `${till}/${path}-${i}.html`;
      const answer = await fetch(url, { headers: { 'user-agent': 'GPTBot/1.3' } });
      const body = await answer.text();
      return answer.status === 503 ? undefined : [answer.status, body];
    };
    const seen = await vi.waitUntil(visit, eventually);
    expect(seen).toEqual([200, `page /${path}-${i}.html`]);
  });
  await Promise.all(pays);
  paidAtomic += pagePrice * BigInt(pays.length);
}

async function topics(count: number) {
  const options = ['--brokers', kafka.brokers.join(','), '--partitions', String(count), '--check'];
  const argv = [...options, '--retention-ms', String(24 * 3600 * 1000)];
  const { code, stdout, stderr } = await runProgram('infra/tools/kafka/topics.mjs', argv, {});
  return { code, says: `${stdout}${stderr}`.trim() };
}

async function settledIs(amount: bigint): Promise<void> {
  const run = await platform.run();
  const settled = async () => (await openReadApi(run).balance()).settled;
  await expect.poll(settled, eventually).toMatchObject([{ amount: amount.toString() }]);
}

describe('services apart that grow', () => {
  test('behavior: before, a paid crawl in the two partitions', async () => {
    await everybodyPays('before');
    const says = '11 topics of generation 1 are as planned';
    expect(await topics(2)).toEqual({ code: 0, says });
  }, 120_000);

  test('behavior: they end by themselves when the new generation is opened', async () => {
    const secrets = join(platform.directory, 'secrets', 'settlement');
    await growSigners(secrets, partitions);
    for (const { address } of await loadSigners(secrets, partitions)) {
      await platform.devnet.setEth(address, gasWei);
    }
    const environment = { ...platform.environment, DATA_DIR: join(platform.directory, 'migrate') };
    const began = performance.now();
    const ran = await runMigrate(['--partitions', String(partitions)], environment);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain(`generation 2 is in force: ${partitions} partitions`);
    for (const member of platform.fleet.members()) {
      expect(await member.ended(), member.instance).toMatchObject({ code: 1 });
      expect(await member.log()).toContain('generation_superseded');
    }
    const tookMs = Math.round(performance.now() - began);
    process.stdout.write(`2 to ${partitions} partitions, all processes ended: ${tookMs} ms\n`);
  }, 90_000);

  test('behavior: started again they are in the new one, and crawls are paid there', async () => {
    const again = services.map((service: ServiceName) =>
      platform.fleet.start(service, `${service}-1`),
    );
    await Promise.all((await Promise.all(again)).map((member) => member.ready()));
    await everybodyPays('after');
    const { log } = platform;
    const proofs = Array.from({ length: partitions }, async (_, partition) => {
      const { next } = await log.offsets({ topic: 'payments.2', partition });
      return next;
    });
    // Seeds alone are one; every partition has some.
    for (const next of await Promise.all(proofs)) expect(next).toBeGreaterThan(0);
  }, 120_000);

  test('behavior: topics are compared with the generation in force, whatever is asked for', async () => {
    const says = '11 topics of generation 2 are as planned';
    expect(await topics(2)).toEqual({ code: 0, says });
  }, 60_000);

  test('behavior: all of it is settled once, as the chain, the API and the audit say', async () => {
    await settledIs(paidAtomic);
    const run = await platform.run();
    expect(await usdcBalance(run.chain, run.publisher.payTo)).toBe(paidAtomic);
    const lines = await auditLines(platform.directory, platform.environment);
    expect(lines.at(-1)).toBe(cleanVerdict);
  }, 90_000);
});
