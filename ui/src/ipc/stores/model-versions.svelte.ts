import { ApiError } from '../adapter';
import { call } from '../client';
import { onChange } from '../query.svelte';
import type { Model, ModelVersion } from '../types';

/** A model with all its versions, newest first. */
export interface ModelWithVersions {
  readonly model: Model;
  readonly versions: readonly ModelVersion[];
}

/** Every model with its versions: what the screens choose from. */
export class ModelVersions {
  /** Newest model first; undefined until read. */
  list = $state.raw<readonly ModelWithVersions[]>();
  error = $state.raw<ApiError>();
  #turn = 0;

  async load(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const { items } = await call('model_list', { limit: 500 });
      const list: ModelWithVersions[] = [];
      for (const model of items) list.push({ model, versions: await versionsOf(model) });
      if (turn !== this.#turn) return;
      this.list = list;
      this.error = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.error = ApiError.from(thrown);
    }
  }

  find(model_id: string, number?: number): ModelVersion | undefined {
    const found = this.list?.find(({ model }) => model.id === model_id);
    return number === undefined ? found?.versions[0] : found?.versions.find((v) => v.number === number);
  }

  byId(version_id: string): ModelVersion | undefined {
    return this.list?.flatMap(({ versions }) => versions).find((version) => version.id === version_id);
  }

  nameOf(model_id: string): string {
    return this.list?.find(({ model }) => model.id === model_id)?.model.name ?? '';
  }
}

/** One version is told with its model; only more are asked for. */
async function versionsOf(model: Model): Promise<readonly ModelVersion[]> {
  if (model.version_count <= 1 && model.latest) return [model.latest];
  return (await call('model_versions', { id: model.id, limit: 500 })).items;
}

/** Kept up to date while the calling component lives. */
export function useModelVersions(): ModelVersions {
  const versions = new ModelVersions();
  $effect(() => {
    void versions.load();
    return onChange(['model', 'model_version'], () => void versions.load());
  });
  return versions;
}
