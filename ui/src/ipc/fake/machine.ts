import type { ResourceSnapshot } from '../types';
import type { Handlers } from './handlers';
import { random } from './random';

const GB = 1024 ** 3;
const r = random(5);
let [cpu, gpu] = [28, 91];

/** One second of a made-up machine with a card. */
export function snapshot(at_ms: number): ResourceSnapshot {
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
    gpus: [
      {
        index: 0,
        name: 'NVIDIA RTX 4060',
        driver: '560.35',
        utilisation_percent: gpu,
        memory_total_bytes: 8 * GB,
        memory_used_bytes: 5.1 * GB,
        temperature_celsius: 62 + gpu / 20,
        power_watts: 98 + gpu / 8,
        power_limit_watts: 115,
        sm_clock_mhz: 2460,
      },
    ],
    storage: {
      path: '/home/anna/VisAIon',
      total_bytes: 512 * GB,
      free_bytes: 211 * GB,
      library_bytes: 3.2 * GB,
    },
    gpu_note: null,
  };
}

/** The machine, settings and versions. */
export const machineHandlers: Handlers = {
  resource_get: () => snapshot(Date.now()),
  resource_history: () => ({
    snapshots: Array.from({ length: 120 }, (_, i) => snapshot(Date.now() - (120 - i) * 1000)),
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
