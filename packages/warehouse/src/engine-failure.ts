import { fail, type PaycrawlError } from '@paycrawl/errors/paycrawl-error';

/**
 * Errors of the engine that pass by themselves, with more disk or memory, or with another server;
 * all others are defects of ours. Numbers: ClickHouse `src/Common/ErrorCodes.cpp`.
 */
const transientEngineCodes: ReadonlySet<number> = new Set([
  74,
  75,
  76, // CANNOT_READ_FROM, WRITE_TO, OPEN: file descriptors
  159,
  198,
  202,
  203, // TIMEOUT_EXCEEDED, DNS_ERROR, TOO_MANY_SIMULTANEOUS_QUERIES, NO_FREE_CONNECTION
  209,
  210,
  236, // SOCKET_TIMEOUT, NETWORK_ERROR, ABORTED (the server is stopping)
  241,
  242,
  243,
  252, // MEMORY_LIMIT, TABLE_IS_READ_ONLY, NOT_ENOUGH_SPACE, TOO_MANY_PARTS
  279,
  285,
  286,
  319, // replicas: none reached, too few, quorum not met, status of insert unknown
  394,
  425,
  439,
  473, // QUERY_WAS_CANCELLED, SYSTEM_ERROR, CANNOT_SCHEDULE_TASK, DEADLOCK_AVOIDED
  517,
  999,
  1000, // CANNOT_ASSIGN_ALTER (another one runs), KEEPER_EXCEPTION, POCO_EXCEPTION
]);

export function engineFailure(message: string, engineCode: number | undefined): PaycrawlError {
  const context = { engineCode, message };
  return engineCode === undefined || transientEngineCodes.has(engineCode)
    ? fail('warehouse_unavailable', 'The warehouse did not answer', { context })
    : fail('warehouse_rejected', 'The warehouse refused the statement', { context });
}
