import { countText, type FigureTable, mebibytes } from '../../figure-table.js';
import type { RevenueQueryFigures } from '../revenue-query.js';
import { spread } from './generate-facts.js';

const goalP95Ms = 50;

export function revenueTables(figures: RevenueQueryFigures): FigureTable[] {
  const { facts, publishers, factsOf, tables, loadS, queries } = figures;
  const { most, median, fewest } = factsOf;
  return [
    {
      head: ['a month by', 'of which publisher', 'p50 ms', 'p95 ms', 'p95 / goal', 'CPU ms'],
      rows: queries.map(({ by, of, p50Ms, p95Ms, cpuMs }) => [
        ...[by, of, p50Ms.toFixed(1), p95Ms.toFixed(1)],
        ...[(p95Ms / goalP95Ms).toFixed(2), cpuMs.toFixed(1)],
      ]),
      notes: [
        `Goal: p95 at most ${goalP95Ms} ms. ${countText(facts)} facts of ${countText(publishers)} publishers, made in ${countText(loadS)} s: ${spread}.`,
        `Facts of a publisher: most ${countText(most)}, median ${countText(median)}, least ${countText(fewest)}.`,
      ],
    },
    {
      head: ['roll-ups', 'rows', 'MiB on disk', 'parts'],
      rows: tables.map(({ table, rows, bytesOnDisk, parts }) => [
        ...[table, countText(rows), mebibytes(bytesOnDisk), String(parts)],
      ]),
      notes: ['The facts themselves are not kept there: no question about revenue reads them.'],
    },
  ];
}
