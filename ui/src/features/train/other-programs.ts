import { formatBytes } from '@/core/format';
import { currentLanguage, t } from '@/core/i18n/index.svelte';
import type { GpuProgram } from '@/ipc/types';

/** Named in a sentence; the largest come first. */
const NAMED = 3;

const bytes = (n: number): string => formatBytes(n, currentLanguage());
const has = (program: GpuProgram): string =>
  [
    program.name ?? t('gpu.program_unnamed', { pid: String(program.pid) }),
    program.memory_bytes === null ? '' : bytes(program.memory_bytes),
  ]
    .join(' ')
    .trim();

/** "Another program (python3) uses 5.2 GB of this card."; null where there is none, or nobody knows. */
export function otherProgramsText(programs: readonly GpuProgram[] | null): string | null {
  const [first, ...more] = programs ?? [];
  if (!programs || !first) return null;
  const known = programs.flatMap((program) => program.memory_bytes ?? []);
  const sum = known.length > 0 ? bytes(known.reduce((a, b) => a + b)) : null;
  if (more.length === 0) {
    const who = first.name
      ? t('gpu.other_named', { name: first.name })
      : t('gpu.other_unnamed', { pid: String(first.pid) });
    return sum === null ? t('gpu.other_uses_some', { who }) : t('gpu.other_uses', { who, bytes: sum });
  }
  const named = programs.slice(0, NAMED).map(has).join(t('gpu.list_separator'));
  const list = programs.length > NAMED ? t('gpu.list_more', { list: named }) : named;
  const n = programs.length;
  return sum === null ? t('gpu.others_use_some', { n, list }) : t('gpu.others_use', { n, bytes: sum, list });
}
