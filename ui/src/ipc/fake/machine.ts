import type { DeviceInfo, GpuReason, GpuUsage, ResourceSnapshot } from '../types';
import type { Handlers } from './handlers';
import { random } from './random';
import type { FakeGpu, World } from './world';

const GB = 1024 ** 3;
const UUID = 'GPU-8932f937-d72c-4106-c12f-20bd9faed9f6';
const r = random(5);
let [cpu, gpu] = [28, 91];

const NO_DRIVER: GpuReason = { code: 'driver_missing', library: 'libcuda.so.1' };
const OLD_DRIVER: GpuReason = {
  code: 'driver_too_old',
  supported_cuda_version: '12.6',
  required_cuda_version: '13.0',
  required_driver: '580',
};

const OBSTACLE: Record<Exclude<FakeGpu, 'ready'>, { note: string; reason: GpuReason }> = {
  none: { note: 'No NVIDIA driver was found.', reason: NO_DRIVER },
  old_driver: { note: 'The NVIDIA driver is too old.', reason: OLD_DRIVER },
  unusable: {
    note: 'The GPU engine found no GPU that it can use.',
    reason: { code: 'card_unusable', detail: 'CUDA_ERROR_OUT_OF_MEMORY: out of memory' },
  },
};

/** What models can be trained on. */
export function devices(kind: FakeGpu): DeviceInfo[] {
  const cpu = { name: 'CPU, 12 threads', uuid: null, available: true, note: '', reason: null };
  const cuda =
    kind === 'ready'
      ? {
          name: 'NVIDIA RTX 4060 (compute capability 8.9)',
          uuid: UUID,
          available: true,
          note: '',
          reason: null,
        }
      : {
          name: 'NVIDIA GPU',
          uuid: null,
          available: false,
          ...OBSTACLE[kind],
        };
  return [
    { kind: 'cpu', ...cpu },
    { kind: 'cuda', ...cuda },
  ];
}

function card(driver: string): GpuUsage {
  return {
    index: 0,
    uuid: UUID,
    name: 'NVIDIA RTX 4060',
    driver,
    utilisation_percent: gpu,
    memory_total_bytes: 8 * GB,
    memory_used_bytes: 5.1 * GB,
    temperature_celsius: 62 + gpu / 20,
    power_watts: 98 + gpu / 8,
    power_limit_watts: 115,
    sm_clock_mhz: Math.round(2370 + gpu),
    sm_clock_max_mhz: 3105,
    other_programs: [
      { pid: 4100, name: 'python3', memory_bytes: 1.8 * GB },
      { pid: 1530, name: 'Xorg', memory_bytes: 0.3 * GB },
    ],
  };
}

/** One second of the made-up machine. */
export function snapshot({ gpu: kind }: World, at_ms: number): ResourceSnapshot {
  cpu = Math.max(4, Math.min(99, cpu + (r() - 0.5) * 9));
  gpu = Math.max(60, Math.min(99, gpu + (r() - 0.5) * 6));
  return {
    at_ms,
    cpu: {
      name: 'AMD Ryzen 5 5600',
      cores: 12,
      bf16_is_native: false,
      utilisation_percent: cpu,
      process_percent: cpu * 0.8,
    },
    memory: { total_bytes: 32 * GB, used_bytes: 11.4 * GB, process_bytes: 0.9 * GB },
    gpus: kind === 'none' ? [] : [card(kind === 'old_driver' ? '560.35' : '580.95')],
    storage: {
      path: '/home/anna/VisAIon',
      total_bytes: 512 * GB,
      free_bytes: 211 * GB,
      library_bytes: 3.2 * GB,
    },
    gpu_note: kind === 'none' ? 'No NVIDIA driver was found.' : null,
    gpu_reason: kind === 'none' ? { code: 'driver_missing', library: 'libnvidia-ml.so.1' } : null,
  };
}

/** The machine, settings and versions. */
export const machineHandlers: Handlers = {
  resource_get: (world) => snapshot(world, Date.now()),
  resource_history: (world) => ({
    snapshots: Array.from({ length: 120 }, (_, i) => snapshot(world, Date.now() - (120 - i) * 1000)),
  }),
  settings_get: (world) => world.settings,
  settings_update: (world, settings) => {
    world.settings = { ...world.settings, ...settings };
    world.changed('settings');
    return world.settings;
  },
  version_get: () => ({
    name: 'VisAIon',
    version: '0.1.0',
    engine: '0.1.0',
    api: 'v1',
    library: '/home/anna/VisAIon',
  }),
  diagnostics_write: (_, { out }) => ({ path: out }),
};
