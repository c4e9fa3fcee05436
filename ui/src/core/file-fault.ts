import { t } from './i18n/index.svelte';

/** What is wrong with a file, as the application names it. */
const FAULTS = [
  'empty',
  'not_an_image',
  'unsupported_image',
  'damaged',
  'too_large',
  'hidden',
  'image_left_out',
  'no_images',
] as const;
export type FileFault = (typeof FAULTS)[number];

/** A file of a report: `fault` where there is a word for it, `reason` in the application's English always. */
interface LeftOut {
  readonly reason: string;
  readonly fault?: FileFault | null;
}

/** Why a file was left out, in the language on screen where there are words for it. */
export function whyLeftOut({ reason, fault }: LeftOut): string {
  return faultText(fault) ?? reason;
}

/** The words for the fault that an error's details name; null where they name none that is known here. */
export function faultOfDetails(details: unknown): string | null {
  if (typeof details !== 'object' || details === null) return null;
  return faultText((details as { file_fault?: unknown }).file_fault);
}

function faultText(fault: unknown): string | null {
  const known = FAULTS.find((name) => name === fault);
  return known ? t(`fault.${known}`) : null;
}
