import { hasClass, toggled, withClass } from '@/core/classes';
import { t } from '@/core/i18n/index.svelte';
import { all, extend, NOTHING, only, rangeTo, toggle, without, type Selection } from '@/core/selection';
import { call } from '@/ipc/client';
import { step } from '@/ipc/history';
import { SamplePages } from '@/ipc/stores/sample-pages.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
import type { Label, Sample, Split } from '@/ipc/types';
import { attempt } from '@/shared/state/errors';
import { dismiss, toast } from '@/shared/state/toasts.svelte';
import { splitText } from '@/shared/state/words';

/** The most samples that can be selected at once. */
export const SELECT_LIMIT = 100_000;

/** The gallery's samples, what is selected of them, and what can be done to it. */
export class Gallery {
  readonly pages = new SamplePages();
  selection = $state.raw<Selection>(NOTHING);
  selecting = $state(false);
  dataset_id = '';
  /** Ids of the classes of the dataset, in their order. */
  class_ids: readonly string[] = [];
  /** The toast that offers to undo the last change. */
  #wayBack = 0;

  open(dataset_id: string, query: Parameters<SamplePages['open']>[0]): void {
    this.dataset_id = dataset_id;
    this.selection = NOTHING;
    this.pages.open(query);
  }

  async click(sample: Sample, offset: number, how: { ctrl: boolean; shift: boolean }): Promise<void> {
    if (how.shift) await this.extendTo(offset, how.ctrl);
    else if (how.ctrl) this.selection = toggle(this.selection, sample.id, offset);
    else this.selection = only(sample.id, offset);
  }

  async extendTo(offset: number, keep = false): Promise<void> {
    const { from, to } = rangeTo(this.selection, offset);
    const ids = await attempt(() => this.pages.ids(from, Math.min(to + 1, from + SELECT_LIMIT)));
    if (ids) this.selection = extend(this.selection, offset, ids, keep);
  }

  /** Moves the keyboard's place; with `extending` the selection grows to it. */
  async moveTo(offset: number, extending: boolean): Promise<void> {
    if (extending) return this.extendTo(offset);
    const sample = await attempt(() => this.pages.load(offset));
    if (sample) this.selection = only(sample.id, offset);
  }

  async selectAll(): Promise<void> {
    this.selecting = true;
    const ids = await attempt(() => this.pages.ids(0, Math.min(this.pages.total, SELECT_LIMIT)));
    this.selecting = false;
    if (!ids) return;
    this.selection = all(this.selection, ids);
    if (this.pages.total > SELECT_LIMIT) {
      toast({ kind: 'info', text: t('data.select_limit', { n: SELECT_LIMIT }) });
    }
  }

  clear(): void {
    this.selection = NOTHING;
  }

  async setLabel(label: Label | null): Promise<void> {
    const sample_ids = [...this.selection.ids];
    if (sample_ids.length === 0) return;
    const [mode, label_id, n] = [workspace.labelMode, label?.id ?? null, sample_ids.length];
    let text = label ? t('data.labelled', { label: label.name, n }) : t('data.unlabelled', { n });
    if (mode === 'set') this.pages.patch(this.selection.ids, withClass(label_id));
    else text = this.#showToggle(label);
    await this.#change(() => call('samples_set_label', { sample_ids, label_id, mode }), text);
  }

  /** Shows a toggle before the answer where every selected sample is at hand, and says what it does. */
  #showToggle(label: Label | null): string {
    const ids = this.selection.ids;
    const samples = this.pages.known(ids);
    const [id, n] = [label?.id ?? null, ids.size];
    const present = samples.every((sample) => hasClass(sample, id));
    if (samples.length === n) {
      this.pages.patch(ids, (sample) => toggled(sample, id, present, this.class_ids));
    } else if (present) {
      return t('data.toggled', { label: label?.name ?? t('data.shows_none'), n });
    }
    if (label) return t(present ? 'data.class_taken' : 'data.class_added', { label: label.name, n });
    return t(present ? 'data.none_taken' : 'data.none_said', { n });
  }

  async setSplit(split: Split | null): Promise<void> {
    const sample_ids = [...this.selection.ids];
    if (sample_ids.length === 0) return;
    this.pages.patch(this.selection.ids, { split });
    const text = t('data.split_set', { split: splitText(split), n: sample_ids.length });
    await this.#change(() => call('samples_set_split', { sample_ids, split }), text);
  }

  async remove(): Promise<void> {
    const sample_ids = [...this.selection.ids];
    if (sample_ids.length === 0) return;
    const text = t('data.deleted', { n: sample_ids.length });
    const done = await this.#change(() => call('samples_delete', { sample_ids }), text);
    if (done) this.selection = without(this.selection, sample_ids);
  }

  async history(direction: 'undo' | 'redo'): Promise<void> {
    // Its button would now take back another change than the one it names.
    dismiss(this.#wayBack);
    const id = this.dataset_id;
    const done = await attempt(() => step(direction, id));
    if (done === undefined) return;
    if (done === null) {
      const text = direction === 'undo' ? t('data.nothing_to_undo') : t('data.nothing_to_redo');
      toast({ kind: 'info', text });
      return;
    }
    const { what } = done;
    toast({
      kind: 'info',
      text: direction === 'undo' ? t('data.undone', { what }) : t('data.redone', { what }),
    });
  }

  /** One undoable change, said with a way back. What failed is read again, so that nothing wrong is shown. */
  async #change(run: () => Promise<unknown>, text: string): Promise<boolean> {
    const done = await attempt(async () => {
      await run();
      return true;
    });
    if (!done) {
      this.pages.invalidate();
      return false;
    }
    dismiss(this.#wayBack);
    this.#wayBack = toast({
      kind: 'ok',
      text,
      action: { label: t('common.undo'), run: () => void this.history('undo') },
    });
    return true;
  }
}
