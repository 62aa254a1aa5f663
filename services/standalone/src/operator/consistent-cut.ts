/** Where each `topic/partition` ends. */
export type Ends = ReadonlyMap<string, number>;

/** A record with its cause: the record at `causeOffset` of `source` was folded into it. */
export interface Effect {
  readonly offset: number;
  readonly source: string;
  readonly causeOffset: number;
}

/**
 * The largest prefix of every partition, up to `ends`, in which no record stands without its
 * cause. Partitions are looked at one after the other while they grow, so the ends alone are not
 * such a prefix: payments cause decisions, decisions charges, and charges payments again.
 *
 * `effects` are the records near the ends in the order of their offsets. None before a moment at
 * which all partitions had been looked at once is ever cut, because the log at a moment is whole.
 */
export function consistentCut(ends: Ends, effects: ReadonlyMap<string, readonly Effect[]>): Ends {
  const cut = new Map(ends);
  for (let isShrinking = true; isShrinking; ) {
    isShrinking = false;
    for (const [place, ofPlace] of effects) {
      const orphan = ofPlace.find(
        ({ offset, source, causeOffset }) =>
          offset < (cut.get(place) ?? 0) && causeOffset >= (cut.get(source) ?? 0),
      );
      if (orphan === undefined) continue;
      cut.set(place, orphan.offset);
      isShrinking = true;
    }
  }
  return cut;
}
