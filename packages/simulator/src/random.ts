/** Chance of one history: the same seed gives the same draws, on every machine. */
export interface Random {
  /** From 0 (included) to 1 (excluded). */
  draw(): number;
  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** A stream of its own: what one part draws does not move what the others draw. */
  fork(label: string): Random;
}

export function createRandom(seed: number, label = ''): Random {
  const draw = sfc32(hashOf(seed, label));
  return {
    draw,
    between: (min, max) => min + Math.floor(draw() * (max - min + 1)),
    chance: (probability) => draw() < probability,
    pick: (list) => list[Math.floor(draw() * list.length)] as (typeof list)[number],
    fork: (name) => createRandom(seed, `${label}/${name}`),
  };
}

/** FNV-1a over seed and label, four times with different beginnings. */
function hashOf(seed: number, label: string): [number, number, number, number] {
  const text = `${seed}:${label}`;
  const parts = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b].map((start) => {
    let hash = start;
    for (let at = 0; at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    }
    return hash | 0;
  });
  return parts as [number, number, number, number];
}

/** Small fast counter generator (Doty-Humphrey), 128 bits of state. */
function sfc32([a0, b0, c0, d0]: [number, number, number, number]): () => number {
  let [a, b, c, d] = [a0, b0, c0, d0];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}
