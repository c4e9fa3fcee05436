import { readKept } from '@/core/kept';
import { call } from '../client';
import { onChange } from '../query.svelte';
import type { Dataset, LabelMode, Project } from '../types';

const KEPT = 'visaion.workspace';

/**
 * The project and dataset a person works in: what the rail's screens open, what the crumb says, where a
 * dropped folder goes first. Kept between starts.
 */
class Workspace {
  project = $state.raw<Project | null>(null);
  dataset = $state.raw<Dataset | null>(null);
  /** The datasets of the project, or all where there is none. */
  datasets = $state.raw<Dataset[]>([]);
  ready = $state(false);
  #started = false;
  #turn = 0;

  /** What giving a class does here: a project for several classes an image adds it or takes it, others replace. */
  get labelMode(): LabelMode {
    return this.project?.task === 'multilabel_classification' ? 'toggle' : 'set';
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    onChange(['project', 'dataset', 'sample'], () => void this.reload());
    void this.#restore();
  }

  async openProject(project: Project): Promise<void> {
    const turn = ++this.#turn;
    const page = await call('project_datasets', { id: project.id, limit: 500 });
    if (turn !== this.#turn) return;
    this.project = project;
    this.datasets = page.items;
    this.dataset = page.items.find((d) => d.id === this.dataset?.id) ?? page.items[0] ?? null;
    this.#keep();
  }

  /** Makes a dataset current; a project that does not hold it is left. */
  async openDataset(id: string): Promise<void> {
    const turn = ++this.#turn;
    if (this.dataset?.id === id) return;
    const found = this.datasets.find((d) => d.id === id) ?? (await call('dataset_get', { id }));
    // Something else was opened while the answer was on its way: that stays.
    if (turn !== this.#turn) return;
    this.dataset = found;
    if (!this.datasets.some((d) => d.id === id)) {
      this.project = null;
      this.datasets = (await call('dataset_list', { limit: 500 })).items;
    }
    this.#keep();
  }

  /** Reads again what is open; what is gone is closed. */
  async reload(): Promise<void> {
    const project = this.project && (await call('project_get', { id: this.project.id }).catch(() => null));
    const page = await (
      project
        ? call('project_datasets', { id: project.id, limit: 500 })
        : call('dataset_list', { limit: 500 })
    ).catch(() => null);
    if (!page) return;
    this.project = project;
    this.datasets = page.items;
    this.dataset = page.items.find((d) => d.id === this.dataset?.id) ?? page.items[0] ?? null;
    this.ready = true;
    this.#keep();
  }

  async #restore(): Promise<void> {
    const kept = readKept<{ project?: string; dataset?: string }>(KEPT) ?? {};
    if (kept.project) this.project = await call('project_get', { id: kept.project }).catch(() => null);
    if (kept.dataset && !this.dataset) {
      this.dataset = await call('dataset_get', { id: kept.dataset }).catch(() => null);
    }
    // Nothing kept (a first start, another browser): the project there is.
    if (!kept.project && !this.dataset && !this.project) {
      const page = await call('project_list', { limit: 1 }).catch(() => null);
      this.project ??= page?.items[0] ?? null;
    }
    await this.reload();
    this.ready = true;
  }

  #keep(): void {
    localStorage.setItem(KEPT, JSON.stringify({ project: this.project?.id, dataset: this.dataset?.id }));
  }
}

export const workspace = new Workspace();
