import { t } from '@/core/i18n/index.svelte';
import type { GpuReason } from './types';

/** Why a GPU cannot be used or read. */
export interface GpuReasonWords {
  /** In the language on screen. */
  readonly text: string;
  /** What the driver or the engine itself reported, in its own words: English in every language. */
  readonly reported: string | null;
}

/**
 * `sentence` is what the application says of the reason in English: for reasons without a code, or with one of a
 * newer version.
 */
export function gpuReasonWords(reason: GpuReason | null, sentence: string): GpuReasonWords {
  return { text: textOf(reason) ?? sentence, reported: reportedIn(reason) };
}

/** The reason in the language on screen; null where this version does not know it. */
function textOf(reason: GpuReason | null): string | null {
  switch (reason?.code) {
    case 'driver_missing':
      return t('gpu.driver_missing', reason);
    case 'driver_not_loaded':
    case 'driver_replaced':
    case 'driver_refuses':
    case 'driver_error':
    case 'card_lost':
    case 'card_unusable':
    case 'engine_unusable':
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
    case 'no_card':
      return t('gpu.no_card', reason);
    case 'card_unreadable': {
      // With a cause of a newer version the sentence of the whole tells more than its first half.
      const cause = textOf(reason.cause);
      return cause === null ? null : t('gpu.card_unreadable', { index: reason.index, cause });
    }
    case 'libraries_missing':
      return t('gpu.libraries_missing', { files: reason.files.join(', ') });
    case 'library_of_other_version':
      return t('gpu.library_of_other_version', {
        library: reason.library,
        found: reason.found_cuda_version,
        required: reason.required_cuda_version,
      });
    case 'engine_missing':
      return t('gpu.engine_missing', reason);
    default:
      return null;
  }
}

function reportedIn(reason: GpuReason | null): string | null {
  switch (reason?.code) {
    case 'driver_error':
    case 'card_unusable':
    case 'engine_unusable':
      return reason.detail || null;
    case 'card_unreadable':
      return textOf(reason.cause) === null ? null : reportedIn(reason.cause);
    default:
      return null;
  }
}
