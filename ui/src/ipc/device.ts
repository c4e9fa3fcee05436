import type { DeviceInfo, GpuUsage, ResourceSnapshot, TrainSettings } from './types';

/** What a run with this choice computes on; null where it could not start. The GPU before the processor. */
export function deviceFor(
  choice: TrainSettings['device'],
  devices: readonly DeviceInfo[],
): DeviceInfo | null {
  const ready = (kind: DeviceInfo['kind']): DeviceInfo | undefined =>
    devices.find((device) => device.kind === kind && device.available);
  if (choice !== 'auto') return ready(choice) ?? null;
  return ready('cuda') ?? ready('cpu') ?? null;
}

/** The card that this device is; null where nobody can tell. */
export function cardOf(device: DeviceInfo, gpus: readonly GpuUsage[]): GpuUsage | null {
  if (device.kind !== 'cuda') return null;
  const same = gpus.find((gpu) => gpu.uuid !== null && gpu.uuid === device.uuid);
  const [only, ...others] = gpus;
  const unknown = device.uuid === null || only?.uuid === null;
  return same ?? (only && others.length === 0 && unknown ? only : null);
}

/** What the machine's graphs call this device; its own name where it is not there or nobody can tell. */
export function deviceName(device: DeviceInfo, now: ResourceSnapshot | null): string {
  const same = device.kind === 'cpu' ? now?.cpu : cardOf(device, now?.gpus ?? []);
  return same && device.available ? same.name : device.name;
}
