/**
 * Largest share that `failures` of `trials` still allow, one-sided at `confidence` (Clopper & Pearson 1934): the share
 * at which so few failures would have a probability of only 1 − confidence. 1 when nothing was tried.
 */
export function upperBound(failures: number, trials: number, confidence = 0.95): number {
  if (trials <= 0 || failures >= trials) return 1;
  const alpha = 1 - confidence;
  let low = failures / trials;
  let high = 1;
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (atMost(failures, trials, middle) > alpha) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** How many in a row must pass without a failure before a share of at most `share` may be claimed. */
export function trialsWithoutFailure(share: number, confidence = 0.95): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log(1 - share));
}

/** Probability of at most `failures` failures in `trials`, summed from logarithms so that nothing overflows. */
function atMost(failures: number, trials: number, share: number): number {
  if (share <= 0) return 1;
  if (share >= 1) return failures >= trials ? 1 : 0;
  const odds = Math.log(share) - Math.log1p(-share);
  let term = trials * Math.log1p(-share);
  let total = Math.exp(term);
  for (let k = 1; k <= failures; k += 1) {
    term += Math.log(trials - k + 1) - Math.log(k) + odds;
    total += Math.exp(term);
  }
  return Math.min(1, total);
}
