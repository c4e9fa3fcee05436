import { faultOfDetails } from '@/core/file-fault';
import { t } from '@/core/i18n/index.svelte';
import { toast } from './toasts.svelte';

/** What an error says to a person: what happened, and (where known) what is safe and what to do. */
export function explain(thrown: unknown): { text: string; detail?: string } {
  const { code, message, details } = shape(thrown);
  if (code === 'offline') return { text: t('error.offline') };
  if (code === 'unauthorized') return { text: t('error.unauthorized') };
  const fault = faultOfDetails(details);
  if (fault !== null) return { text: fault };
  const text = message || t('error.title');
  return code === 'internal' ? { text, detail: t('error.internal_hint') } : { text };
}

/** Says an error in a toast that stays until it is dismissed. A cancelled request is no error. */
export function toastError(thrown: unknown): void {
  if (shape(thrown).code === 'cancelled') return;
  toast({ kind: 'bad', ...explain(thrown) });
}

/** Runs an action of a person; whatever fails is said. Resolves to undefined then. */
export async function attempt<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (thrown) {
    toastError(thrown);
    return undefined;
  }
}

function shape(thrown: unknown): { code: string; message: string; details?: unknown } {
  if (typeof thrown !== 'object' || thrown === null) return { code: 'internal', message: String(thrown) };
  const { code, message, details } = thrown as { code?: unknown; message?: unknown; details?: unknown };
  return { code: typeof code === 'string' ? code : 'internal', message: String(message ?? ''), details };
}
