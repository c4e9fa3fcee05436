import { parse } from 'svelte/compiler';
import { afterEach, describe, expect, it } from 'vitest';
import { en } from './en';
import { languageFor, setLanguage, t } from './index.svelte';
import { fill, type Message } from './message';
import { zhCN } from './zh-CN';

const places = (message: Message): string[] => {
  const text = typeof message === 'string' ? message : `${message.one} ${message.other}`;
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
};

describe('catalogues', () => {
  it('have the same keys', () => {
    expect(Object.keys(zhCN).sort()).toEqual(Object.keys(en).sort());
  });

  it('have the same places in every text', () => {
    for (const [key, message] of Object.entries(en)) {
      // The singular of a plural may leave its number out.
      const wanted = places(message);
      expect({ key, places: places(zhCN[key as keyof typeof en]) }).toEqual({ key, places: wanted });
    }
  });

  it('have no empty text', () => {
    for (const catalogue of [en, zhCN]) {
      for (const [key, message] of Object.entries(catalogue)) {
        // A quantity without a unit has an empty one on purpose.
        if (key.endsWith('.unit.none')) continue;
        const texts = typeof message === 'string' ? [message] : Object.values(message as object);
        for (const text of texts)
          expect({ key, empty: String(text).trim() === '' }).toEqual({ key, empty: false });
      }
    }
  });
});

describe('t', () => {
  afterEach(() => setLanguage('en'));

  it('chooses the plural and writes numbers as the language does', () => {
    expect(t('common.samples', { n: 1 })).toBe('1 sample');
    expect(t('common.samples', { n: 1_000_000 })).toBe('1,000,000 samples');
    setLanguage('zh-CN');
    expect(t('common.samples', { n: 1 })).toBe('1 个样本');
  });

  it('shows a place that got no value', () => {
    expect(fill('{a} of {b}', { a: 1 }, 'en')).toBe('1 of {b}');
  });

  it('follows the setting, then the system, then English', () => {
    expect(languageFor('', ['zh-TW', 'en'])).toBe('zh-CN');
    expect(languageFor('en', ['zh-CN'])).toBe('en');
    expect(languageFor('', ['de-DE', 'fr'])).toBe('en');
  });
});

/** Texts and spoken attributes of a component that are written out instead of coming from a catalogue. */
function literals(source: string): string[] {
  const found: string[] = [];
  const spoken = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'text', 'hint', 'note']);
  // Names and signs that are the same in every language.
  const allowed = /^(VisAIon|[^\p{L}]*)$/u;
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (Array.isArray(node)) return node.forEach(visit);
    const { type, name, value, data } = node as Record<string, unknown>;
    if (type === 'Text' && typeof data === 'string' && !allowed.test(data.trim())) found.push(data.trim());
    if (type === 'StyleDirective') return;
    if (type === 'Attribute') {
      const parts = Array.isArray(value) ? value : [];
      if (spoken.has(String(name))) visit(parts);
      return;
    }
    for (const [key, child] of Object.entries(node))
      if (key !== 'css' && key !== 'instance' && key !== 'module') visit(child);
  };
  visit(parse(source, { modern: true }).fragment);
  return found;
}

describe('components', () => {
  const sources = import.meta.glob<string>('../../**/*.svelte', {
    query: '?raw',
    import: 'default',
    eager: true,
  });

  it('finds a literal text where there is one', () => {
    expect(literals('<p title="Hello">{x} World</p><style>p { color: red }</style>')).toEqual([
      'Hello',
      'World',
    ]);
    expect(literals('<p class="Hello">{t("a")} · 1 / 2</p>')).toEqual([]);
  });

  it('hold no literal text', () => {
    expect(Object.keys(sources).length).toBeGreaterThan(40);
    const written = Object.entries(sources)
      .map(([file, source]) => ({ file, texts: literals(source) }))
      .filter(({ texts }) => texts.length > 0);
    expect(written).toEqual([]);
  });
});
