import { expect, it } from 'vitest';
import { FakeAdapter } from '@/ipc/fake';
import { devices, snapshot } from '@/ipc/fake/machine';
import type { DeviceInfo } from '@/ipc/types';
import { cardOf, deviceFor } from './device';

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
