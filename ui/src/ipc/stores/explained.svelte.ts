import { ApiError, type PickedFile } from '../adapter';
import { activeAdapter, call } from '../client';
import type { ClassExplanation } from '../types';

/** The image of a question: a sample, a file that was just predicted in the window, or a file of the browser. */
export type ExplainedImage =
  { readonly sample_id: string } | { readonly preview_id: string } | { readonly file: PickedFile };

/** Where does this model see this class in this image? Without a class: the most probable one. */
export interface Question {
  readonly model_id: string;
  readonly version: number;
  readonly image: ExplainedImage;
  readonly class_idx?: number | null;
  readonly layer?: string | null;
}

/** Answers kept: going back and forth asks nothing again. */
const KEPT = 300;
const answers = new Map<string, ClassExplanation>();
/** Files have no name of their own: their place in this list is one. */
const files = new WeakMap<PickedFile, number>();
let fileCount = 0;

function keyOf({ image, ...rest }: Question): string {
  if (!('file' in image)) return JSON.stringify([image, rest]);
  let number = files.get(image.file);
  if (number === undefined) files.set(image.file, (number = ++fileCount));
  return JSON.stringify([number, rest]);
}

/** One question at a time: a model answers no faster when many ask. */
let last: Promise<unknown> = Promise.resolve();
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine.catch(() => undefined);
  return mine;
}

async function ask({ model_id, version, image, class_idx, layer }: Question): Promise<ClassExplanation> {
  const source = 'file' in image ? { upload_id: await activeAdapter().upload([image.file]) } : image;
  return call('model_explain', { id: model_id, version, class_idx, layer, ...source });
}

/** The answer to one question at a time; the old one stays until the new is there, unless the image changed. */
export class Explained {
  data = $state.raw<ClassExplanation>();
  error = $state.raw<ApiError>();
  busy = $state(false);
  #key = '';
  #image = '';

  async ask(question: Question | null): Promise<void> {
    const key = question ? keyOf(question) : '';
    if (key === this.#key) return;
    this.#key = key;
    const image = question ? keyOf({ ...question, class_idx: null, layer: null }) : '';
    if (image !== this.#image) this.data = undefined;
    this.#image = image;
    this.error = undefined;
    const known = answers.get(key);
    this.busy = question !== null && !known;
    if (!question) return;
    if (known) this.data = known;
    else await inTurn(() => this.#fetch(question, key));
  }

  async #fetch(question: Question, key: string): Promise<void> {
    // Another question came while this one waited.
    if (key !== this.#key) return;
    try {
      const data = answers.get(key) ?? (await ask(question));
      answers.set(key, data);
      const [oldest] = answers.keys();
      if (answers.size > KEPT && oldest !== undefined) answers.delete(oldest);
      if (key === this.#key) this.data = data;
    } catch (thrown) {
      if (key === this.#key) this.error = ApiError.from(thrown);
    }
    if (key === this.#key) this.busy = false;
  }
}

/** Follows a question while the calling component lives; null asks nothing. */
export function useExplained(question: () => Question | null): Explained {
  const explained = new Explained();
  $effect(() => {
    void explained.ask(question());
  });
  $effect(() => () => void explained.ask(null));
  return explained;
}
