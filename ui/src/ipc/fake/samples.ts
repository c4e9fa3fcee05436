import type { Label, Sample, SampleFilter, SampleSort, Split } from '../types';
import { newId, random } from './random';

type Change = Partial<Pick<Sample, 'label_id' | 'label_ids' | 'no_class' | 'split' | 'name'>>;

/**
 * Samples of a made-up dataset. They are computed from their number, so that a million costs nothing;
 * only what a person changed is kept.
 */
export class FakeSamples {
  #changed = new Map<number, Change>();
  #gone = new Set<number>();
  #cached: { key: string; view: number[] | null } = { key: '', view: null };
  readonly #prefix: string;

  constructor(
    readonly dataset_id: string,
    readonly labels: Label[],
    private count: number,
    private readonly unlabelledShare = 0.03,
    /** Each class by itself, so that a sample has several or none. */
    readonly several = false,
  ) {
    this.#prefix = newId().slice(-6);
  }

  get total(): number {
    return this.count - this.#gone.size;
  }

  grow(by: number): void {
    this.count += by;
    this.#cached.key = '';
  }

  id(i: number): string {
    return `01930000-0000-7000-${this.#prefix.slice(0, 4)}-${this.#prefix}${String(i).padStart(8, '0')}`.slice(
      0,
      40,
    );
  }

  index(id: string): number | null {
    return id.includes(`-${this.#prefix}`) ? Number(id.slice(-8)) : null;
  }

  /** Class a sample was made for, whatever it is labelled now. */
  kind(i: number): number {
    return Math.floor(random(i * 7 + 3)() * Math.max(1, this.labels.length));
  }

  at(i: number): Sample {
    const r = random(i + 11);
    const said = r() >= this.unlabelledShare;
    const kinds = this.several ? this.labels.filter((_, k) => random(i * 13 + k * 5 + 1)() < 0.4) : null;
    const labels = said ? (kinds ?? [this.labels[this.kind(i)]].flatMap((label) => label ?? [])) : [];
    const [label] = labels;
    const dice = r();
    const split: Split | null = dice < 0.7 ? 'train' : dice < 0.85 ? 'val' : 'test';
    return {
      id: this.id(i),
      dataset_id: this.dataset_id,
      media_hash: String(i).padStart(64, '0'),
      name: `exp1_num_${String(108_709 + i * 13)}.jpg`,
      width_px: 248 + Math.floor(r() * 120),
      height_px: 210 + Math.floor(r() * 200),
      size_bytes: 14_000 + Math.floor(r() * 30_000),
      format: 'jpeg',
      split,
      label_id: label?.id ?? null,
      label_ids: labels.map(({ id }) => id),
      no_class: this.several && said && labels.length === 0,
      region_count: label && r() < 0.2 ? 1 : 0,
      created_ms: 1_760_000_000_000 + i * 1000,
      ...this.#changed.get(i),
    };
  }

  change(id: string, change: Change): void {
    const i = this.index(id);
    if (i === null) return;
    this.#changed.set(i, { ...this.#changed.get(i), ...change });
    this.#cached.key = '';
  }

  setGone(id: string, gone: boolean): void {
    const i = this.index(id);
    if (i === null) return;
    if (gone) this.#gone.add(i);
    else this.#gone.delete(i);
    this.#cached.key = '';
  }

  forget(label_id: string, into: string | null): void {
    for (let i = 0; i < Math.min(this.count, 5000); i += 1) {
      const { label_ids } = this.at(i);
      if (!label_ids.includes(label_id)) continue;
      const others = label_ids.filter((id) => id !== label_id && id !== into);
      const kept = into ? [...others, into] : others;
      this.#changed.set(i, { ...this.#changed.get(i), label_id: kept[0] ?? null, label_ids: kept });
    }
    this.#cached.key = '';
  }

  window(
    filter: SampleFilter,
    sort: SampleSort,
    offset: number,
    limit: number,
  ): { total: number; items: Sample[] } {
    const view = this.#view(filter, sort);
    if (!view) {
      const to = Math.min(this.count, offset + limit);
      return { total: this.count, items: range(offset, to).map((i) => this.at(i)) };
    }
    return { total: view.length, items: view.slice(offset, offset + limit).map((i) => this.at(i)) };
  }

  position(filter: SampleFilter, sort: SampleSort, id: string): number | null {
    const i = this.index(id);
    const view = this.#view(filter, sort);
    const at = i === null ? -1 : view ? view.indexOf(i) : i;
    return at < 0 ? null : at;
  }

  /** Numbers in order; null where they are simply all. */
  #view(filter: SampleFilter, sort: SampleSort): number[] | null {
    const key = JSON.stringify([filter, sort]);
    if (this.#cached.key === key) return this.#cached.view;
    const all =
      JSON.stringify({ ...filter, state: filter.state ?? undefined }) ===
      '{"label_ids":[],"splits":[],"no_split":false,"search":""}';
    const view = all && sort === 'added' && this.#gone.size === 0 ? null : this.#sorted(filter, sort);
    this.#cached = { key, view };
    return view;
  }

  #sorted(filter: SampleFilter, sort: SampleSort): number[] {
    const found = range(0, this.count).filter((i) => !this.#gone.has(i) && matches(this.at(i), filter));
    if (sort === 'added_desc' || sort === 'name_desc') return found.reverse();
    if (sort === 'label') {
      const rank = (i: number): number => this.labels.findIndex((l) => l.id === this.at(i).label_id);
      return found.sort((a, b) => rank(a) - rank(b));
    }
    if (sort === 'size_desc') return found.sort((a, b) => this.at(b).size_bytes - this.at(a).size_bytes);
    return found;
  }
}

function matches(sample: Sample, filter: SampleFilter): boolean {
  const { label_ids = [], splits = [], no_split = false, state, search = '' } = filter;
  if (label_ids.length && !sample.label_ids.some((id) => label_ids.includes(id))) return false;
  if ((splits.length || no_split) && !(sample.split ? splits.includes(sample.split) : no_split)) return false;
  const labelled = sample.label_ids.length > 0 || sample.no_class;
  if (state === 'labelled' && !labelled) return false;
  if (state === 'unlabelled' && labelled) return false;
  if (state === 'no_class' && !sample.no_class) return false;
  return !search || sample.name.toLowerCase().includes(search.toLowerCase());
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
