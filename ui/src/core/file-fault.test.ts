import { afterEach, expect, it } from 'vitest';
import { faultOfDetails, whyLeftOut } from './file-fault';
import { setLanguage } from './i18n/index.svelte';

afterEach(() => setLanguage('en'));

it('says why a file was left out in the language on screen', () => {
  const left = { reason: 'the JPEG is damaged: Premature end of JPEG file', fault: 'damaged' } as const;
  expect(whyLeftOut(left)).toBe('the image is damaged');
  setLanguage('zh-CN');
  expect(whyLeftOut(left)).toBe('图像已损坏');
  expect(faultOfDetails({ file_fault: 'no_images' })).toContain('没有图像');
});

it('leaves what has no word, or one of a newer version, to the sentence of the application', () => {
  expect(whyLeftOut({ reason: 'a link that leads nowhere' })).toBe('a link that leads nowhere');
  expect(faultOfDetails({ file_fault: 'melted' })).toBeNull();
  expect(faultOfDetails(undefined)).toBeNull();
});
