import type { ModelVersions } from '@/ipc/stores/model-versions.svelte';
import type { Evaluation, Job, ModelVersion, Split } from '@/ipc/types';

/** What is evaluated: which version on which split. */
export class Choice {
  model_id = $state('');
  number = $state(1);
  split = $state<Split>('test');
  #versions: ModelVersions;

  version: ModelVersion | undefined = $derived.by(() => this.#versions.find(this.model_id, this.number));

  constructor(versions: ModelVersions) {
    this.#versions = versions;
  }

  take(model_id: string, number: number): void {
    this.model_id = model_id;
    this.number = number;
  }

  /** What an address asks for: an evaluation, or a model and version; else the newest model. */
  follow(evaluation: Evaluation | undefined, query: Readonly<Record<string, string>>): void {
    const version = evaluation
      ? this.#versions.byId(evaluation.model_version_id)
      : this.#versions.find(query['model'] ?? '', query['version'] ? Number(query['version']) : undefined);
    if (version) this.take(version.model_id, version.number);
    else if (!this.version) {
      const newest = this.#versions.list
        ?.flatMap((m) => m.versions)
        .sort((a, b) => b.created_ms - a.created_ms)[0];
      if (newest) this.take(newest.model_id, newest.number);
    }
    const split = evaluation?.split ?? query['split'];
    if (split === 'train' || split === 'val' || split === 'test') this.split = split;
  }
}

/** The evaluation job of this version and split that is on its way, or the newest that failed after `since_ms`. */
export function evaluationJob(
  all: readonly Job[],
  version_id: string | undefined,
  split: Split,
  since_ms: number,
): Job | undefined {
  return all.find((job) => {
    if (job.kind !== 'evaluate') return false;
    const params = job.params as { model_version_id?: string; split?: string } | null;
    if (params?.model_version_id !== version_id || params?.split !== split) return false;
    const active = job.state === 'queued' || job.state === 'running' || job.state === 'paused';
    return active || (job.state === 'failed' && job.created_ms > since_ms);
  });
}
