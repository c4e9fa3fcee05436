import { ApiError } from '../adapter';
import type { GpuPack, GpuPackage, Job } from '../types';
import type { Handlers } from './handlers';
import { makeJob, run } from './jobs';
import { hash } from './library';
import type { World } from './world';

const CUDA = [
  'NVIDIA CUDA Toolkit End User License Agreement (proprietary)',
  'https://licences.example/cuda',
] as const;
const CUDNN = ['NVIDIA cuDNN licence (proprietary)', 'https://licences.example/cudnn'] as const;

function part(
  name: string,
  version: string,
  mb: number,
  [licence, licence_url] = CUDA as readonly [string, string],
): GpuPackage {
  const file = `${name.replaceAll('-', '_')}-${version}.whl`;
  return {
    name,
    version,
    purpose: name,
    licence,
    licence_url,
    file,
    source_url: `https://packages.example/${file}`,
    size_bytes: mb * 1e6,
    sha256: hash(name),
  };
}

const PACKAGES = [
  part('nvidia-cuda-runtime', '13.0.96', 2.2),
  part('nvidia-cublas', '13.1.0.3', 423),
  part('nvidia-cudnn-cu13', '9.19.0.56', 366, CUDNN),
  part('nvidia-cuda-nvrtc', '13.0.88', 90),
  part('nvidia-curand', '10.4.0.35', 60),
];

const EMPTY: GpuPack = {
  state: 'not_installed',
  version: 'cuda-13.0.2-cudnn-9.19.0',
  installed_version: null,
  is_supported: true,
  // The made-up card has an old driver: first that one.
  would_help: false,
  packages: PACKAGES,
  download_bytes: PACKAGES.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
  downloaded_bytes: 0,
  installed_bytes: 1.34e9,
  folder: '/home/anna/.local/share/visaion/gpu-pack',
  damaged_files: [],
  job_id: null,
  installed_ms: null,
};

const packs = new WeakMap<World, GpuPack>();

/** The pack of a made-up machine; tests begin with another one. */
export function setGpuPack(world: World, change: Partial<GpuPack>): void {
  packs.set(world, { ...gpuPackOf(world), ...change });
  world.changed('gpu_pack');
}

function gpuPackOf(world: World): GpuPack {
  return packs.get(world) ?? EMPTY;
}

function install(world: World, kind: Job['kind']): Job {
  const made = makeJob(world, kind, EMPTY.version, null, EMPTY.download_bytes);
  world.job({ ...made, progress: { ...made.progress, unit: 'bytes', phase: 'downloading' } });
  setGpuPack(world, { job_id: made.id });
  run(world, made.id, 60, () => {
    setGpuPack(world, {
      state: 'installed',
      installed_version: EMPTY.version,
      damaged_files: [],
      would_help: false,
      job_id: null,
      installed_ms: Date.now(),
    });
    return gpuPackOf(world);
  });
  return made;
}

/** NVIDIA's libraries. */
export const gpuPackHandlers: Handlers = {
  gpu_pack_get: gpuPackOf,
  gpu_pack_install: (world) => install(world, 'gpu_pack_install'),
  gpu_pack_download: (world, { agree_licence }) => {
    if (!agree_licence) throw new ApiError('invalid_input', 'Agree to the licences first.');
    return install(world, 'gpu_pack_download');
  },
  gpu_pack_verify: (world) => {
    const made = makeJob(world, 'gpu_pack_verify', EMPTY.version, null, 100);
    setGpuPack(world, { job_id: made.id });
    run(world, made.id, 40, () => {
      setGpuPack(world, { job_id: null });
      return gpuPackOf(world);
    });
    return made;
  },
  gpu_pack_delete: (world) => {
    packs.set(world, EMPTY);
    world.changed('gpu_pack');
    return {};
  },
};
