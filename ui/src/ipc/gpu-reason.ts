import { t } from '@/core/i18n/index.svelte';
import type { GpuReason } from './types';

/**
 * Why a GPU cannot be used or read, in the language on screen. `sentence` is what the application says of it in
 * English: for reasons without a code, or with one of a newer version.
 */
export function gpuReasonText(reason: GpuReason | null, sentence: string): string {
  switch (reason?.code) {
    case 'driver_missing':
      return t('gpu.driver_missing', reason);
    case 'driver_not_loaded':
    case 'driver_replaced':
    case 'driver_refuses':
    case 'card_lost':
      return t(`gpu.${reason.code}`);
    case 'driver_silent':
      return t('gpu.driver_silent', { status: String(reason.status) });
    case 'driver_foreign':
      return t('gpu.driver_foreign', reason);
    case 'driver_too_old':
      return t('gpu.driver_too_old', {
        supported: reason.supported_cuda_version,
        required: reason.required_cuda_version,
        driver: reason.required_driver,
      });
    case 'driver_error':
    case 'card_unusable':
    case 'engine_unusable':
      return t(`gpu.${reason.code}`, reason);
    case 'no_card':
      return t('gpu.no_card', reason);
    case 'card_unreadable':
      // Without its own sentence, a cause of a newer version is told by that of the whole.
      return isKnown(reason.cause)
        ? t('gpu.card_unreadable', { index: reason.index, cause: gpuReasonText(reason.cause, '') })
        : sentence;
    case 'libraries_missing':
      return t('gpu.libraries_missing', { files: reason.files.join(', ') });
    case 'engine_missing':
      return t('gpu.engine_missing', reason);
    default:
      return sentence;
  }
}

function isKnown(reason: GpuReason): boolean {
  return gpuReasonText(reason, '') !== '';
}
