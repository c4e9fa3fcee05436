import type { Prediction } from '../types';
import { page, type Handlers } from './handlers';
import { explanation, network } from './explain';
import { makeJob, run } from './jobs';
import { exportFile, freeze, libraryOf } from './library';
import { random } from './random';
import type { FakeDataset, World } from './world';

function datasetOf(world: World, dataset_version_id: string): FakeDataset {
  const found = world.datasets.find((d) => d.versions.some((v) => v.id === dataset_version_id));
  return found ?? (world.datasets[0] as FakeDataset);
}

function predictions(world: World, dataset: FakeDataset, classes: string[]): Prediction[] {
  return Array.from({ length: Math.min(23, dataset.samples.total) }, (_, i) => {
    const sample = dataset.samples.at(i * 3);
    const kind = dataset.samples.kind(i * 3) % classes.length;
    const r = random(i + 90);
    const top = 0.52 + Math.sqrt(r()) * 0.47;
    const { several } = dataset.samples;
    const rest = (): number => (several ? r() * 0.9 : (1 - top) / Math.max(1, classes.length - 1));
    const probabilities = classes
      .map((label, k) => ({ label, probability: k === kind ? top : rest() }))
      .sort((a, b) => b.probability - a.probability);
    const [first] = probabilities;
    const label = first?.label ?? '';
    return {
      name: sample.name,
      sample_id: sample.id,
      label,
      class_idx: classes.indexOf(label),
      score: first?.probability ?? 0,
      labels: several ? probabilities.filter((p) => p.probability >= 0.5).map((p) => p.label) : [label],
      probabilities,
    };
  });
}

/** Models, their exports and their answers. */
export const modelHandlers: Handlers = {
  model_list: (world, { search }) => {
    const library = libraryOf(world);
    const found = library.models.filter((m) => m.name.includes(search ?? ''));
    return page(found.map((m) => library.wire(m.id)));
  },
  project_models: (world, { id }) => {
    const library = libraryOf(world);
    const datasets = world.projects.find((p) => p.wire.id === id)?.dataset_ids ?? [];
    const own = library.models.filter((m) =>
      m.versions.some((v) => datasets.includes(datasetOf(world, v.dataset_version_id).id)),
    );
    return page(own.map((m) => library.wire(m.id)));
  },
  model_get: (world, { id }) => libraryOf(world).wire(id),
  model_update: (world, { id, name }) => {
    libraryOf(world).model(id).name = name;
    world.changed('model');
    return libraryOf(world).wire(id);
  },
  model_delete: (world, { id }) => {
    const library = libraryOf(world);
    library.models = library.models.filter((m) => m.id !== id);
    world.changed('model');
    return {};
  },
  model_versions: (world, { id }) => page(libraryOf(world).model(id).versions),
  model_version_get: (world, { id, number }) => libraryOf(world).version(id, number),
  model_lineage: (world, { id, number }) => {
    const library = libraryOf(world);
    const version = library.version(id, number);
    const dataset = datasetOf(world, version.dataset_version_id);
    return {
      version,
      model: library.wire(id),
      dataset_version: freeze(dataset),
      dataset: dataset.wire(),
      job: world.jobs.find((j) => j.id === version.job_id) ?? null,
      parent: version.parent ? library.versionById(version.parent) : null,
      evaluations: library.evaluations
        .filter((e) => e.wire.model_version_id === version.id)
        .map((e) => e.wire),
    };
  },
  model_predict: (world, { id, version }) => {
    const library = libraryOf(world);
    const chosen = library.version(id, version ?? library.wire(id).version_count);
    const dataset = datasetOf(world, chosen.dataset_version_id);
    return {
      predictions: predictions(world, dataset, chosen.classes),
      left_out: { warnings: [{ subject: 'notes.txt', reason: 'this is no image' }] },
    };
  },
  model_explain: (world, { id, version, sample_id, class_idx, layer }) => {
    const library = libraryOf(world);
    const chosen = library.version(id, version ?? library.wire(id).version_count);
    const dataset = datasetOf(world, chosen.dataset_version_id);
    return explanation(dataset, chosen.classes, sample_id ?? null, class_idx ?? null, layer ?? null);
  },
  model_network: () => network(),
  model_export: (world, { id, number, precision }) => {
    const library = libraryOf(world);
    const version = library.version(id, number);
    const { name } = library.model(id);
    const made = makeJob(world, 'model_export', `${name} · ${number}`, null, 64);
    run(world, made.id, 200, () => {
      const file = exportFile(version, name, precision === 'fp16' ? 4.1e-4 : 2.4e-6, 0, precision);
      version.exports = [file, ...version.exports.filter((f) => f.file_name !== file.file_name)];
      world.changed('model_version');
      return file;
    });
    return made;
  },
};
