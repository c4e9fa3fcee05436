/** How the answers say why: kept while the screen is open. */
export class Why {
  /** Maps over every picture. */
  on = $state(false);
  opacity = $state(0.75);
  /** Key of the answer beside the others. */
  chosen = $state<number | null>(null);
}
