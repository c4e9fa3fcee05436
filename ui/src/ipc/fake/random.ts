/** Repeatable numbers: every run of the fake shows the same library. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

let counter = 0;

/** An id of the right shape; later ones sort after earlier ones. */
export function newId(): string {
  counter += 1;
  return `01930000-0000-7000-8000-${String(counter).padStart(12, '0')}`;
}
