import { expect, it } from 'vitest';
import { FakeAdapter } from './fake';
import { devices, snapshot } from './fake/machine';
import type { DeviceInfo } from './types';
import { cardOf, deviceFor, deviceName } from './device';

it('prefers the GPU, and falls back to the processor only where that was left open', () => {
  expect(deviceFor('auto', devices('ready'))?.kind).toBe('cuda');
  expect(deviceFor('cpu', devices('ready'))?.kind).toBe('cpu');
  expect(deviceFor('auto', devices('old_driver'))?.kind).toBe('cpu');
  expect(deviceFor('cuda', devices('old_driver'))).toBeNull();
});

it('finds the card of a device by what the driver calls it', () => {
  const { gpus } = snapshot(new FakeAdapter('').world, 0);
  const [cpu, gpu] = devices('ready') as [DeviceInfo, DeviceInfo];
  const [card] = gpus;
  if (!card) throw new Error('the fake has a card');
  const other = { ...card, index: 1, uuid: 'GPU-other' };
  expect(cardOf(gpu, [other, card])?.index).toBe(0);
  expect(cardOf(gpu, [other])).toBeNull();
  expect(cardOf(cpu, gpus)).toBeNull();
  // Where it has no such name, the only card must be it, and of two nobody can tell.
  const unnamed = { ...gpu, uuid: null };
  expect(cardOf(unnamed, [card])?.index).toBe(0);
  expect(cardOf(unnamed, [card, other])).toBeNull();
});

it('calls a device what the graphs call it, and what is not there by its own name', () => {
  const now = snapshot(new FakeAdapter('').world, 0);
  const [cpu, gpu] = devices('ready') as [DeviceInfo, DeviceInfo];
  expect(deviceName(cpu, now)).toBe('AMD Ryzen 5 5600');
  expect(deviceName(gpu, now)).toBe('NVIDIA RTX 4060');
  expect(deviceName(cpu, null)).toBe('CPU, 12 threads');
  expect(deviceName(devices('none')[1] as DeviceInfo, { ...now, gpus: [] })).toBe('NVIDIA GPU');
});
