import { expect, it } from 'vitest';
import type { GpuPack, GpuPackage, Job } from '@/ipc/types';
import { downloadWord, licencesOf, phaseOf } from './gpu-pack';

const part = (name: string, licence: string): GpuPackage =>
  ({ name, licence, licence_url: `https://x.example/${licence}` }) as GpuPackage;
const pack = (change: Partial<GpuPack>): GpuPack =>
  ({
    state: 'not_installed',
    version: '2',
    installed_version: null,
    is_supported: true,
    job_id: null,
    ...change,
  }) as GpuPack;

it('names each licence once, with what comes under it', () => {
  const licences = licencesOf([part('runtime', 'CUDA'), part('cudnn', 'cuDNN'), part('cublas', 'CUDA')]);
  expect(licences.map((licence) => [licence.name, licence.packages])).toEqual([
    ['CUDA', ['runtime', 'cublas']],
    ['cuDNN', ['cudnn']],
  ]);
});

it('offers a download where it would change something', () => {
  expect(downloadWord(pack({}))).toBe('download');
  expect(downloadWord(pack({ state: 'partly_downloaded' }))).toBe('go_on');
  expect(downloadWord(pack({ state: 'damaged', installed_version: '2' }))).toBe('repair');
  expect(downloadWord(pack({ state: 'installed', installed_version: '2' }))).toBeNull();
  expect(downloadWord(pack({ state: 'installed', installed_version: '1' }))).toBe('download');
  expect(downloadWord(pack({ is_supported: false }))).toBeNull();
  expect(downloadWord(pack({ job_id: 'x' }))).toBeNull();
});

it('knows what a job does, once it has begun', () => {
  const job = (phase: string): Job => ({ progress: { phase } }) as Job;
  expect(phaseOf(job('unpacking'))).toBe('unpacking');
  expect(phaseOf(job(''))).toBeNull();
  expect(phaseOf(undefined)).toBeNull();
});
