import type { GpuPack, GpuPackage, Job } from '@/ipc/types';

/** What a GPU pack is brought in. */
export const PACK_EXTENSIONS = ['zip', 'whl'] as const;

/** A licence, where it can be read, and what comes under it. */
export interface Licence {
  name: string;
  url: string;
  packages: string[];
}

/** Each licence once, in the order of the packages. */
export function licencesOf(packages: readonly GpuPackage[]): Licence[] {
  const licences: Licence[] = [];
  for (const { name, licence, licence_url } of packages) {
    const known = licences.find((l) => l.name === licence && l.url === licence_url);
    if (known) known.packages.push(name);
    else licences.push({ name: licence, url: licence_url, packages: [name] });
  }
  return licences;
}

const PHASES = ['downloading', 'unpacking', 'checking', 'copying'] as const;
export type PackPhase = (typeof PHASES)[number];

/** What a job at work on the pack does now; null before it has begun. */
export function phaseOf(job: Job | undefined): PackPhase | null {
  return PHASES.find((phase) => phase === job?.progress.phase) ?? null;
}

/** Which button a download has; null where none is offered. */
export function downloadWord(pack: GpuPack): 'download' | 'go_on' | 'repair' | null {
  if (!pack.is_supported || pack.job_id) return null;
  switch (pack.state) {
    case 'installed':
      return pack.installed_version === pack.version ? null : 'download';
    case 'damaged':
      return 'repair';
    case 'partly_downloaded':
      return 'go_on';
    case 'not_installed':
      return 'download';
  }
}
