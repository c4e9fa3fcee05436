import type { SampleFilter, SampleSort } from '../types';

/** A filter with every field said. */
export type ViewFilter = Required<SampleFilter>;

export const EMPTY_FILTER: ViewFilter = {
  label_ids: [],
  splits: [],
  no_split: false,
  state: null,
  search: '',
};

export function isFiltered(filter: ViewFilter): boolean {
  return (
    filter.label_ids.length > 0 ||
    filter.splits.length > 0 ||
    filter.no_split ||
    filter.state !== null ||
    filter.search !== ''
  );
}

/** What the gallery shows and the viewer walks through: one filter and order a dataset, shared by both. */
class SampleView {
  dataset_id = $state('');
  filter = $state.raw<ViewFilter>(EMPTY_FILTER);
  sort = $state<SampleSort>('added');
  /** Place of the gallery's list, so that coming back from the viewer finds it as it was. */
  list_px = 0;
  /** The sample the viewer showed last. */
  last_sample_id: string | null = $state(null);

  /** Another dataset begins unfiltered. */
  open(dataset_id: string): void {
    if (this.dataset_id === dataset_id) return;
    this.dataset_id = dataset_id;
    this.filter = EMPTY_FILTER;
    this.list_px = 0;
    this.last_sample_id = null;
  }

  narrow(part: Partial<ViewFilter>): void {
    this.filter = { ...this.filter, ...part };
    this.list_px = 0;
  }

  clear(): void {
    this.filter = EMPTY_FILTER;
    this.list_px = 0;
  }
}

export const sampleView = new SampleView();
