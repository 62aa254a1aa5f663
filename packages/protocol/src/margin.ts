/**
 * How long an authorization must still be valid. Settlement measures the margin that it needs;
 * admission and ingresses follow it, so that the three agree without asking each other.
 */

/** Seconds, rounded up to so many: a measurement that trembles changes nothing. */
const stepS = 5;
export interface MarginBounds {
  /** The configured margin: never less. */
  readonly floorS: number;
  /** Half of the longest window that is offered: nothing is offered any more above it. */
  readonly ceilingS: number;
}

/** The margin of admission. It grows at once, and sinks at once, but not by little. */
export function followMarginRoundingUp(
  measuredS: number,
  inForceS: number | undefined,
  { floorS, ceilingS }: MarginBounds,
): number {
  const boundedS = Math.max(floorS, Math.min(steppedUp(measuredS), ceilingS));
  const neededS = measuredS <= floorS ? floorS : boundedS;
  const isNear =
    inForceS !== undefined && inForceS >= neededS && inForceS <= neededS + lingerOf(neededS);
  return isNear ? inForceS : neededS;
}

/**
 * The most that admission may make of a measured margin, wherever it is above the configured one:
 * an ingress refuses what leaves less, so that admission does not refuse what it let in.
 */
export function widestMarginRoundingUp(measuredS: number): number {
  const neededS = steppedUp(measuredS);
  return neededS + lingerOf(neededS);
}

function steppedUp(measuredS: number): number {
  return measuredS + ((stepS - (measuredS % stepS)) % stepS);
}

/** A margin in force sinks only when it is above what is needed by more than a quarter. */
function lingerOf(neededS: number): number {
  return neededS >> 2;
}
