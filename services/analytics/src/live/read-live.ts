import type { Warehouse } from '@paycrawl/warehouse/warehouse';
import { dayMs } from '../projection/totals.js';
import type { AssetBook } from '../read/asset-book.js';
import { readBalance } from '../read/balance.js';
import { readCrawls } from '../read/crawls.js';
import { isoOf } from '../read/period.js';
import { readRevenue } from '../read/revenue.js';
import type { Live } from '../routes/api-types.js';

const recentCount = 10;
const recentDays = 7;

/** What the console shows of one publisher while money comes in. */
export async function readLive(
  source: { readonly warehouse: Warehouse; readonly assets: AssetBook },
  publisher: string,
  nowMs: number,
): Promise<Live> {
  const midnightMs = nowMs - (nowMs % dayMs);
  const today = { fromMs: midnightMs, toMs: midnightMs + dayMs };
  const rowsMax = 1;
  const { total } = await readRevenue(source, { publisher, ...today, by: 'status', rowsMax });
  const recent = { fromMs: nowMs - recentDays * dayMs, toMs: today.toMs, limit: recentCount };
  const { crawls } = await readCrawls(source, { publisher, ...recent });
  const balance = await readBalance(source, publisher);
  return { publisher, at: isoOf(nowMs), today: total, balance, recent: crawls };
}
