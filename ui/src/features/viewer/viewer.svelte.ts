import { hasClass, toggled, withClass } from '@/core/classes';
import { t } from '@/core/i18n/index.svelte';
import { ApiError } from '@/ipc/adapter';
import { call, imageUrl } from '@/ipc/client';
import { step } from '@/ipc/history';
import { SamplePages } from '@/ipc/stores/sample-pages.svelte';
import { isFiltered, sampleView } from '@/ipc/stores/sample-view.svelte';
import { workspace } from '@/ipc/stores/workspace.svelte';
import type { Label, Sample, Split } from '@/ipc/types';
import { attempt } from '@/shared/state/errors';
import { replace } from '@/shared/state/router.svelte';
import { toast } from '@/shared/state/toasts.svelte';

/** Images kept decoded around the current one. */
const NEIGHBOURS = [1, -1, 2];

/** Walks through the samples of the gallery's filter and order, one at a time. */
export class Viewer {
  readonly pages = new SamplePages();
  sample = $state.raw<Sample | null>(null);
  offset = $state(0);
  /** Nothing to show: the list is empty. */
  empty = $state(false);
  error = $state.raw<ApiError>();
  advance = $state(false);
  /** Ids of the classes of the dataset, in their order. */
  class_ids: readonly string[] = [];
  #dataset_id = '';
  #decoded = new Map<string, HTMLImageElement>();
  #turn = 0;
  #closed = false;

  constructor(readonly prefetch = true) {}

  /** Begins at a sample, or where the list begins. A sample that the filter hides lifts the filter. */
  async open(dataset_id: string, sample_id: string | null): Promise<void> {
    const turn = ++this.#turn;
    this.#dataset_id = dataset_id;
    this.error = undefined;
    const view = { dataset_id, filter: sampleView.filter, sort: sampleView.sort };
    this.pages.open(view);
    try {
      const at = sample_id ? (await call('sample_position', { ...view, sample_id })).offset : 0;
      if (turn !== this.#turn) return;
      if (at === null && isFiltered(sampleView.filter)) {
        sampleView.clear();
        return await this.open(dataset_id, sample_id);
      }
      await this.show(at ?? 0);
      if (at === null && this.sample) toast({ kind: 'info', text: t('viewer.not_here') });
    } catch (thrown) {
      if (turn === this.#turn) this.error = ApiError.from(thrown);
    }
  }

  /** The page is gone: what is still on its way must not bring it back. */
  close(): void {
    this.#closed = true;
    this.#turn += 1;
  }

  /** Shows the sample at an offset, if there is one. */
  async show(offset: number): Promise<boolean> {
    const sample = await this.pages.load(offset);
    if (this.#closed) return true;
    if (this.pages.error && !sample) throw this.pages.error;
    if (!sample) {
      if (this.pages.total === 0) {
        this.empty = true;
        this.sample = null;
      }
      return false;
    }
    this.empty = false;
    this.offset = offset;
    this.sample = sample;
    sampleView.last_sample_id = sample.id;
    replace('annotate', [this.#dataset_id, sample.id]);
    this.#readAhead(offset);
    return true;
  }

  async move(by: 1 | -1): Promise<void> {
    await attempt(async () => {
      const here = await this.pages.load(this.offset);
      // A new label may have taken the sample out of the filter: then its place already holds the next one.
      const gone = here !== undefined && here.id !== this.sample?.id;
      const to = gone && by > 0 ? this.offset : this.offset + by;
      if (to >= 0 && (await this.show(to))) return;
      toast({ kind: 'info', text: by > 0 ? t('viewer.at_end') : t('viewer.at_start') });
    });
  }

  async setLabel(label: Label | null): Promise<void> {
    const sample = this.sample;
    if (!sample) return;
    const [mode, label_id] = [workspace.labelMode, label?.id ?? null];
    const classes =
      mode === 'set'
        ? withClass(label_id)
        : toggled(sample, label_id, hasClass(sample, label_id), this.class_ids);
    // Shown at once; the answer comes within the next frames.
    this.sample = { ...sample, ...classes };
    this.pages.patch(new Set([sample.id]), classes);
    const done = await attempt(() => call('samples_set_label', { sample_ids: [sample.id], label_id, mode }));
    if (!done) this.sample = sample;
    // Of several classes nobody knows which is the last.
    else if (this.advance && label && mode === 'set') await this.move(1);
  }

  async setSplit(split: Split | null): Promise<void> {
    const sample = this.sample;
    if (sample) await attempt(() => call('samples_set_split', { sample_ids: [sample.id], split }));
  }

  async remove(): Promise<void> {
    const sample = this.sample;
    if (!sample) return;
    const done = await attempt(() => call('samples_delete', { sample_ids: [sample.id] }));
    if (!done) return;
    toast({
      kind: 'ok',
      text: t('data.deleted', { n: 1 }),
      action: { label: t('common.undo'), run: () => void this.history('undo') },
    });
  }

  async history(direction: 'undo' | 'redo'): Promise<void> {
    const done = await attempt(() => step(direction, this.#dataset_id));
    if (done === undefined) return;
    const nothing = direction === 'undo' ? t('data.nothing_to_undo') : t('data.nothing_to_redo');
    if (done === null) toast({ kind: 'info', text: nothing });
    else {
      const { what } = done;
      toast({
        kind: 'info',
        text: direction === 'undo' ? t('data.undone', { what }) : t('data.redone', { what }),
      });
    }
  }

  /** Something changed: reads the sample again; one that was deleted makes room for the next. */
  async refresh(): Promise<void> {
    const sample = this.sample;
    this.pages.invalidate();
    if (!sample) {
      if (this.#dataset_id) await this.open(this.#dataset_id, null);
      return;
    }
    try {
      const fresh = await call('sample_get', { id: sample.id });
      if (this.sample?.id === fresh.id) this.sample = fresh;
      const { offset } = await call('sample_position', {
        dataset_id: this.#dataset_id,
        filter: sampleView.filter,
        sort: sampleView.sort,
        sample_id: fresh.id,
      });
      if (offset !== null && this.sample?.id === fresh.id) this.offset = offset;
    } catch (thrown) {
      if (ApiError.from(thrown).code !== 'not_found' || this.sample?.id !== sample.id) return;
      if (!(await attempt(() => this.show(this.offset))))
        await attempt(() => this.show(Math.max(0, this.offset - 1)));
    }
  }

  /** Decodes the neighbours, so that the next key press shows them at once. */
  #readAhead(offset: number): void {
    if (!this.prefetch) return;
    const wanted = new Map<string, HTMLImageElement>();
    for (const by of NEIGHBOURS) {
      const neighbour = this.pages.at(offset + by);
      if (!neighbour) continue;
      const image = this.#decoded.get(neighbour.id) ?? new Image();
      image.src ||= imageUrl(neighbour.id);
      wanted.set(neighbour.id, image);
      // Whatever is wrong with it is said when it is shown.
      image.decode().catch(() => undefined);
    }
    this.#decoded = wanted;
    this.pages.need(Math.max(0, offset - 20), Math.min(this.pages.total, offset + 20));
  }
}
