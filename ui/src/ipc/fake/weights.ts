import { ApiError } from '../adapter';
import type { Weights } from '../types';
import { page, type Handlers } from './handlers';
import { makeJob, run } from './jobs';
import { hash } from './library';
import type { World } from './world';

const MB = 1_000_000;

function entry(name: string, part: Partial<Weights>): Weights {
  return {
    name,
    arch: name.split('.')[0] ?? name,
    source_url: `https://weights.example/${name}.safetensors`,
    licence: 'Apache-2.0',
    size_bytes: null,
    sha256: null,
    is_hash_published: false,
    image_size_px: 224,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    state: 'not_installed',
    downloaded_bytes: 0,
    job_id: null,
    class_count: null,
    installed_ms: null,
    ...part,
  };
}

/** What an installed file is known by. */
function installed(name: string, size_bytes: number, part: Partial<Weights> = {}): Weights {
  const sha256 = hash(name);
  return entry(name, {
    state: 'installed',
    size_bytes,
    sha256,
    class_count: 1000,
    installed_ms: Date.now(),
    ...part,
  });
}

const lists = new WeakMap<World, Weights[]>();

function weightsOf(world: World): Weights[] {
  let known = lists.get(world);
  if (!known) {
    known = [
      installed('resnet18.a1_in1k', 46.8 * MB, { is_hash_published: true }),
      entry('resnet34.a1_in1k', { sha256: '46f8f793', is_hash_published: true }),
      entry('mobilenetv4_conv_small.e2400_r224_in1k', {
        state: 'partly_downloaded',
        size_bytes: 15.2 * MB,
        downloaded_bytes: 6.1 * MB,
      }),
      entry('vit_small_patch16_224.augreg_in21k_ft_in1k', { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }),
    ];
    lists.set(world, known);
  }
  return known;
}

function put(world: World, weights: Weights): void {
  const all = weightsOf(world);
  const at = all.findIndex((w) => w.name === weights.name);
  if (at < 0) all.push(weights);
  else all[at] = weights;
  world.changed('weights');
}

function one(world: World, name: string): Weights {
  const found = weightsOf(world).find((w) => w.name === name);
  if (!found) throw new ApiError('not_found', `There are no weights ${name}.`);
  return found;
}

const REPORT = {
  loaded: { count: 122, names: [] },
  resized: { count: 0, names: [] },
  new: { count: 0, names: [] },
  skipped: { count: 0, names: [] },
};

/** Pretrained weights. */
export const weightsHandlers: Handlers = {
  weights_list: (world) => page(weightsOf(world)),
  weights_get: (world, { name }) => one(world, name),
  weights_install: (world, { path, name }) => {
    const file = (path ?? 'upload.safetensors').split('/').at(-1) ?? '';
    const called = name ?? file.replace(/\.\w+$/, '');
    const made = makeJob(world, 'weights_install', called, null, 100);
    run(world, made.id, 80, () => {
      const weights = installed(called, 44.7 * MB, { arch: 'resnet18', source_url: null, licence: null });
      put(world, weights);
      return { weights, report: REPORT };
    });
    return made;
  },
  weights_download: (world, { name, agree_licence }) => {
    const before = one(world, name);
    if (!agree_licence) throw new ApiError('invalid_input', 'Agree to the licence first.');
    const made = makeJob(world, 'weights_download', name, null, 100);
    put(world, { ...before, job_id: made.id });
    run(world, made.id, 150, () => {
      const weights = installed(name, 44.7 * MB, { arch: before.arch, is_hash_published: true });
      put(world, weights);
      return { weights, report: REPORT };
    });
    return made;
  },
  weights_delete: (world, { name }) => {
    const before = one(world, name);
    const all = weightsOf(world);
    const at = all.indexOf(before);
    if (before.source_url) all[at] = entry(name, { arch: before.arch });
    else all.splice(at, 1);
    world.changed('weights');
    return {};
  },
};
