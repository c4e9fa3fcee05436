import { ApiError } from '../adapter';
import type { Evaluation } from '../types';
import { page, type Handlers } from './handlers';
import { makeJob, run } from './jobs';
import { judge } from './judge';
import { exportFile, libraryOf, type Library } from './library';
import type { World } from './world';

function entry(world: World, id: string): Library['evaluations'][number] {
  const found = libraryOf(world).evaluations.find((e) => e.wire.id === id);
  if (!found) throw new ApiError('not_found', 'There is no such evaluation; it may have been deleted.');
  return found;
}

function evaluate(
  world: World,
  model_version_id: string,
  split: Evaluation['split'],
): Library['evaluations'][number] {
  const library = libraryOf(world);
  const version = library.versionById(model_version_id);
  const dataset = world.datasets.find((d) => d.versions.some((v) => v.id === version.dataset_version_id));
  if (!dataset) throw new ApiError('not_found', 'The dataset of this model was deleted.');
  const made = judge(dataset, version, split);
  library.evaluations.unshift(made);
  return made;
}

/** Evaluations. */
export const evaluationHandlers: Handlers = {
  evaluation_create: (world, { model_version_id, split }) => {
    const version = libraryOf(world).versionById(model_version_id);
    const name = libraryOf(world).model(version.model_id).name;
    const made = makeJob(world, 'evaluate', `${name} · ${split}`, null, 78);
    const job = world.job({ ...made, params: { model_version_id, split } });
    run(world, job.id, 160, () => {
      const { wire } = evaluate(world, model_version_id, split);
      wire.created_ms = Date.now();
      world.changed('evaluation');
      return { evaluation_id: wire.id, left_out: { warnings: [] } };
    });
    return job;
  },
  evaluation_list: (world, { model_version_id }) =>
    page(
      libraryOf(world)
        .evaluations.map((e) => e.wire)
        .filter((e) => !model_version_id || e.model_version_id === model_version_id),
    ),
  evaluation_get: (world, { id }) => entry(world, id).wire,
  evaluation_samples: (world, { id, limit, cursor }) => {
    const { samples } = entry(world, id);
    const start = Number(cursor ?? 0);
    const end = start + (limit ?? 100);
    const next_cursor = end < samples.length ? String(end) : null;
    return { items: samples.slice(start, end), next_cursor, total: samples.length };
  },
};

/** Results and exports of the made-up models, good and bad. */
export function seedResults(world: World): void {
  for (const { name, versions } of libraryOf(world).models) {
    const [newest] = versions;
    if (!newest) continue;
    evaluate(world, newest.id, 'val');
    evaluate(world, newest.id, 'test');
    newest.exports = [exportFile(newest, name, name.startsWith('smears') ? 0.031 : 3.1e-6, 3_000_000)];
  }
}
