import type { EvaluationSample } from '@/ipc/types';

/** Which class the maps of the strip look for. */
export type About = 'predicted' | 'actual';

/** How the strip says why: kept while the screen is open. */
export class Why {
  /** Maps over every image of the strip. */
  on = $state(false);
  about = $state<About>('predicted');
  opacity = $state(0.75);
  /** The image beside the strip. */
  chosen = $state<string | null>(null);

  classOf(sample: EvaluationSample): number {
    return (this.about === 'predicted' ? sample.predicted : sample.actual) ?? 0;
  }
}
