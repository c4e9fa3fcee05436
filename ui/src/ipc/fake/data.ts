import { ApiError } from '../adapter';
import { page, type Handlers } from './handlers';
import { newId } from './random';
import { FakeDataset, type FakeProject, type World } from './world';

function project(world: World, id: string): FakeProject {
  const found = world.projects.find((p) => p.wire.id === id);
  if (!found) throw new ApiError('not_found', 'There is no such project; it may have been deleted.');
  return found;
}

function addDataset(world: World, name: string, project_id?: string | null): FakeDataset {
  if (world.datasets.some((d) => d.name === name)) {
    throw new ApiError('conflict', `A dataset named "${name}" exists already. Choose another name.`);
  }
  const dataset = new FakeDataset(name, [], 0);
  world.datasets.push(dataset);
  if (project_id) project(world, project_id).dataset_ids.push(dataset.id);
  world.changed('dataset');
  return dataset;
}

/** Projects, datasets and classes. */
export const dataHandlers: Handlers = {
  project_list: (world) => page(world.projects.map((p) => world.projectWire(p))),
  project_create: (world, { name, description, task, with_dataset }) => {
    if (world.projects.some((p) => p.wire.name === name)) {
      throw new ApiError('conflict', `A project named "${name}" exists already. Choose another name.`);
    }
    const made = world.addProject(name, [], description ?? '', task ?? 'classification');
    if (with_dataset) addDataset(world, name, made.wire.id);
    world.changed('project');
    return world.projectWire(made);
  },
  project_get: (world, { id }) => world.projectWire(project(world, id)),
  project_update: (world, { id, name, description }) => {
    const found = project(world, id);
    found.wire = { ...found.wire, name: name ?? found.wire.name, description: description ?? '' };
    world.changed('project');
    return world.projectWire(found);
  },
  project_delete: (world, { id }) => {
    world.projects = world.projects.filter((p) => p.wire.id !== id);
    world.changed('project');
    return {};
  },
  project_datasets: (world, { id }) =>
    page(project(world, id).dataset_ids.map((d) => world.dataset(d).wire())),
  dataset_list: (world) => page(world.datasets.map((d) => d.wire())),
  dataset_create: (world, { name, project_id }) => addDataset(world, name, project_id).wire(),
  dataset_get: (world, { id }) => world.dataset(id).wire(),
  dataset_update: (world, { id, name }) => {
    const dataset = world.dataset(id);
    dataset.name = name ?? dataset.name;
    world.changed('dataset', id);
    return dataset.wire();
  },
  dataset_delete: (world, { id }) => {
    world.datasets = world.datasets.filter((d) => d.id !== id);
    for (const p of world.projects) p.dataset_ids = p.dataset_ids.filter((d) => d !== id);
    world.changed('dataset', id);
    return {};
  },
  dataset_facets: (world, { id }) => world.dataset(id).facets(),
  dataset_versions: (world, { id }) => page(world.dataset(id).versions),
  dataset_freeze: (world, { id, note }) => {
    const dataset = world.dataset(id);
    const { total, splits } = dataset.facets();
    const version = {
      id: newId(),
      dataset_id: id,
      number: dataset.versions.length + 1,
      note: note ?? '',
      created_ms: Date.now(),
      sample_count: total,
      splits,
      classes: dataset.labels.map((l) => l.name),
      content_hash: 'a'.repeat(64),
    };
    dataset.versions = [version, ...dataset.versions];
    world.changed('dataset_version', id);
    return version;
  },
  label_list: (world, { id }) => page(world.dataset(id).facets().labels),
  label_create: (world, { id, name }) => {
    const label = world.dataset(id).addLabel(name);
    world.changed('label', id);
    return label;
  },
  label_update: (world, { id, name, color }) => {
    const [dataset, label] = ofLabel(world, id);
    label.name = name ?? label.name;
    label.color = color ?? label.color;
    world.changed('label', dataset.id);
    return label;
  },
  label_merge: (world, { id, into }) => {
    const [dataset] = ofLabel(world, id);
    const target = dataset.labels.find((l) => l.id === into);
    if (!target) throw new ApiError('not_found', 'There is no such class.');
    remove(world, dataset, id, into);
    return target;
  },
  label_delete: (world, { id }) => {
    const [dataset] = ofLabel(world, id);
    remove(world, dataset, id, null);
    return {};
  },
};

function ofLabel(world: World, id: string): [FakeDataset, FakeDataset['labels'][number]] {
  for (const dataset of world.datasets) {
    const label = dataset.labels.find((l) => l.id === id);
    if (label) return [dataset, label];
  }
  throw new ApiError('not_found', 'There is no such class; it may have been deleted.');
}

function remove(world: World, dataset: FakeDataset, id: string, into: string | null): void {
  dataset.samples.forget(id, into);
  dataset.labels.splice(
    dataset.labels.findIndex((l) => l.id === id),
    1,
  );
  dataset.labels.forEach((label, i) => (label.class_idx = i));
  world.changed('label', dataset.id);
}
