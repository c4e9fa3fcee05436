import { ApiError } from '../adapter';
import type {
  AppEvent,
  Dataset,
  DatasetVersion,
  Entity,
  Facets,
  HistoryState,
  Job,
  Label,
  Project,
  Settings,
  Task,
} from '../types';
import { newId } from './random';
import { FakeSamples } from './samples';

const COLORS = ['#ffb000', '#3aa6ff', '#ff5c8a', '#2ed3a5', '#b68cff', '#ff8a3d', '#8bd450', '#5de2ff'];

/** A change that can be taken back. */
export interface Step {
  op: string;
  count: number;
  undo: () => void;
  redo: () => void;
}

export class FakeDataset {
  readonly id = newId();
  labels: Label[] = [];
  versions: DatasetVersion[] = [];
  done: Step[] = [];
  undone: Step[] = [];
  samples: FakeSamples;

  constructor(
    public name: string,
    classes: string[],
    count: number,
    unlabelled = 0.03,
    several = false,
  ) {
    this.samples = new FakeSamples(this.id, this.labels, count, unlabelled, several);
    for (const name of classes) this.addLabel(name);
  }

  addLabel(name: string): Label {
    const class_idx = this.labels.length;
    const color = COLORS[class_idx % COLORS.length] ?? '#ffb000';
    const label: Label = { id: newId(), dataset_id: this.id, name, color, class_idx, sample_count: 0 };
    this.labels.push(label);
    return label;
  }

  /** Counted over the first samples and scaled: enough for a fake. */
  facets(): Facets {
    const seen = Math.min(this.samples.total, 4000);
    const scale = seen ? this.samples.total / seen : 0;
    const { items } = this.samples.window(
      { label_ids: [], splits: [], no_split: false, search: '' },
      'added',
      0,
      seen,
    );
    const count = (test: (s: (typeof items)[number]) => boolean): number =>
      Math.round(items.filter(test).length * scale);
    const labelled = count((s) => s.label_ids.length > 0 || s.no_class);
    return {
      total: this.samples.total,
      labelled,
      unlabelled: this.samples.total - labelled,
      no_class: count((s) => s.no_class),
      splits: {
        train: count((s) => s.split === 'train'),
        val: count((s) => s.split === 'val'),
        test: count((s) => s.split === 'test'),
        none: count((s) => !s.split),
      },
      labels: this.labels.map((label) => ({
        ...label,
        sample_count: count((s) => s.label_ids.includes(label.id)),
      })),
    };
  }

  wire(): Dataset {
    const { total, labelled, splits } = this.facets();
    return {
      id: this.id,
      name: this.name,
      description: '',
      created_ms: 1_760_000_000_000,
      updated_ms: 1_760_000_000_000,
      sample_count: total,
      labelled_count: labelled,
      label_count: this.labels.length,
      splits,
    };
  }

  history(): HistoryState {
    const kind = (step: Step | undefined): { op: string; count: number } | null =>
      step ? { op: step.op, count: step.count } : null;
    return { undo: kind(this.done.at(-1)), redo: kind(this.undone.at(-1)), kept: this.done.length };
  }

  act(step: Step): HistoryState {
    step.redo();
    this.done.push(step);
    this.undone = [];
    return this.history();
  }
}

export interface FakeProject {
  wire: Project;
  dataset_ids: string[];
}

/** What the made-up machine has: a card that trains, one that the engine cannot use, one whose driver is too old, or none. */
export type FakeGpu = 'ready' | 'unusable' | 'old_driver' | 'none';

/** The made-up library that the fake serves. */
export class World {
  datasets: FakeDataset[] = [];
  projects: FakeProject[] = [];
  jobs: Job[] = [];
  gpu: FakeGpu = 'ready';
  settings: Settings = { theme: 'system', language: '', thumbnail_px: 0, cuda_folder: '' };
  #listeners = new Set<(event: AppEvent) => void>();

  constructor(kind: string) {
    if (kind === 'empty') return;
    this.addProject('Magnetic tiles', [new FakeDataset('tile-defects', ['Blowhole', 'Break', 'Free'], 517)]);
    const cells = new FakeDataset('smears', ['WBC', 'RBC', 'Platelets', 'Lymphocyte', 'Monocyte'], 870, 0.2);
    this.addProject('Blood cells', [cells]);
    const boards = new FakeDataset('boards', ['Scratch', 'Dirt', 'Missing part'], 240, 0.1, true);
    this.addProject('Circuit boards', [boards], '', 'multilabel_classification');
    this.addProject('Line 4 camera', [
      new FakeDataset('line-4', ['Good', 'Scratch', 'Dent', 'Stain'], 1_000_000, 0.4),
      new FakeDataset('line-4-new', [], 0),
    ]);
  }

  addProject(
    name: string,
    datasets: FakeDataset[],
    description = '',
    task: Task = 'classification',
  ): FakeProject {
    const now = Date.now();
    const project: FakeProject = {
      wire: {
        id: newId(),
        name,
        description,
        task,
        created_ms: now,
        updated_ms: now - 3_600_000 * (this.projects.length + 1),
        dataset_count: 0,
        sample_count: 0,
        model_count: 0,
        cover: [],
      },
      dataset_ids: datasets.map((d) => d.id),
    };
    this.datasets.push(...datasets);
    this.projects.push(project);
    return project;
  }

  projectWire(project: FakeProject): Project {
    const datasets = project.dataset_ids.flatMap((id) => this.datasets.filter((d) => d.id === id));
    const first = datasets.find((d) => d.samples.total > 0);
    return {
      ...project.wire,
      dataset_count: datasets.length,
      sample_count: datasets.reduce((sum, d) => sum + d.samples.total, 0),
      cover: first
        ? [3, 8, 14, 21].filter((i) => i < first.samples.total).map((i) => first.samples.id(i))
        : [],
    };
  }

  dataset(id: string): FakeDataset {
    const found = this.datasets.find((d) => d.id === id);
    if (!found) throw new ApiError('not_found', 'There is no such dataset; it may have been deleted.');
    return found;
  }

  ofSample(id: string): FakeDataset {
    const found = this.datasets.find((d) => d.samples.index(id) !== null);
    if (!found) throw new ApiError('not_found', 'There is no such sample; it may have been deleted.');
    return found;
  }

  listen(listener: (event: AppEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: AppEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  changed(entity: Entity, dataset_id: string | null = null, ids: string[] = []): void {
    this.emit({ kind: 'changed', entity, ids, dataset_id });
  }

  /** Puts a job, or its next state, and tells everybody. */
  job(job: Job): Job {
    this.jobs = [job, ...this.jobs.filter((j) => j.id !== job.id)];
    this.emit({ kind: 'job', job });
    return job;
  }
}
