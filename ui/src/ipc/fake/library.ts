import { ApiError } from '../adapter';
import type {
  DatasetVersion,
  Evaluation,
  EvaluationSample,
  ExportFile,
  Model,
  ModelPrecision,
  ModelVersion,
  Task,
  TrainSettings,
} from '../types';
import { newId, random } from './random';
import type { FakeDataset, World } from './world';

/** Models and evaluations of the made-up library. */
export class Library {
  models: { id: string; name: string; task: Task; created_ms: number; versions: ModelVersion[] }[] = [];
  evaluations: { wire: Evaluation; samples: EvaluationSample[] }[] = [];

  wire(id: string): Model {
    const found = this.model(id);
    return {
      id,
      name: found.name,
      task: found.task,
      created_ms: found.created_ms,
      updated_ms: found.versions[0]?.created_ms ?? found.created_ms,
      version_count: found.versions.length,
      latest: found.versions[0] ?? null,
    };
  }

  model(id: string): Library['models'][number] {
    const found = this.models.find((m) => m.id === id);
    if (!found) throw new ApiError('not_found', 'There is no such model; it may have been deleted.');
    return found;
  }

  version(id: string, number: number): ModelVersion {
    const found = this.model(id).versions.find((v) => v.number === number);
    if (!found) throw new ApiError('not_found', `This model has no version ${number}.`);
    return found;
  }

  versionById(id: string): ModelVersion {
    const found = this.models.flatMap((m) => m.versions).find((v) => v.id === id);
    if (!found) throw new ApiError('not_found', 'There is no such model version; it may have been deleted.');
    return found;
  }

  /** Adds a version to the model of this name, which is made where there is none. */
  addVersion(
    dataset: FakeDataset,
    name: string,
    settings: TrainSettings,
    f1: number,
    age_ms: number,
  ): ModelVersion {
    let model = this.models.find((m) => m.name === name);
    const created_ms = Date.now() - age_ms;
    const task = dataset.samples.several ? 'multilabel_classification' : 'classification';
    if (!model) this.models.unshift((model = { id: newId(), name, task, created_ms, versions: [] }));
    const frozen = freeze(dataset);
    const version: ModelVersion = {
      id: newId(),
      model_id: model.id,
      number: model.versions.length + 1,
      arch: settings.arch,
      classes: frozen.classes,
      preprocessing: {
        image_size_px: settings.image_size_px,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      settings,
      seed: settings.seed,
      dataset_version_id: frozen.id,
      job_id: null,
      parent: model.versions[0]?.id ?? null,
      initial_weights: null,
      engine_version: 'visaion 0.1.0 · cpu',
      weights_hash: hash(`${name}${model.versions.length}`),
      metrics: { 'val/accuracy': f1 + 0.012, 'val/macro_f1': f1, 'val/loss': 0.29 - f1 * 0.12 },
      exports: [],
      created_ms,
    };
    model.versions.unshift(version);
    return version;
  }
}

const libraries = new WeakMap<World, Library>();

export function libraryOf(world: World): Library {
  let known = libraries.get(world);
  if (!known) libraries.set(world, (known = new Library()));
  return known;
}

/** 64 hexadecimal digits that depend on the text. */
export function hash(text: string): string {
  const r = random([...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) | 0, 7));
  return Array.from({ length: 64 }, () => Math.floor(r() * 16).toString(16)).join('');
}

/** The dataset's newest frozen version, made where there is none. */
export function freeze(dataset: FakeDataset): DatasetVersion {
  const [known] = dataset.versions;
  if (known) return known;
  const { total, splits } = dataset.facets();
  const made: DatasetVersion = {
    id: newId(),
    dataset_id: dataset.id,
    number: 7,
    note: '',
    created_ms: Date.now() - 7_200_000,
    sample_count: total,
    splits,
    classes: dataset.labels.map((label) => label.name),
    content_hash: hash(dataset.name),
  };
  dataset.versions.unshift(made);
  return made;
}

/** An exported file; `difference` decides the verdict. */
export function exportFile(
  version: ModelVersion,
  name: string,
  difference: number,
  age_ms: number,
  precision: ModelPrecision = 'fp32',
): ExportFile {
  const sha256 = hash(`file${name}${version.number}${precision}`);
  const created_ms = Date.now() - age_ms;
  const half = precision === 'fp16';
  const tolerance = half ? 1e-2 : 1e-4;
  const pass = difference <= tolerance;
  return {
    format: 'onnx',
    precision,
    file_name: half ? 'model.fp16.onnx' : 'model.onnx',
    size_bytes: half ? 22_398_540 : 44_780_112,
    sha256,
    created_ms,
    certificate: {
      verdict: pass ? 'PASS' : 'FAIL',
      runtime: 'rten 0.27.0',
      sample_count: 64,
      max_abs_difference: difference,
      tolerance,
      same_class_count: pass ? 64 : 58,
      file_sha256: sha256,
      weights_hash: version.weights_hash,
      samples_hash: hash(`samples${name}`),
      created_ms,
    },
  };
}
