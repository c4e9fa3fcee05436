import { describe, expect, it } from 'vitest';
import { ago, formatBytes, formatClock, formatPercent, formatRemaining } from './format';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1536, '1.5 KB'],
    [10 * 1024, '10 KB'],
    [5.1 * 1024 ** 3, '5.1 GB'],
    [1000 * 1024, '1.0 MB'],
  ])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('times', () => {
  it('writes clocks with hours only where there are some', () => {
    expect(formatClock(372_000)).toBe('6:12');
    expect(formatClock(3_972_000)).toBe('1:06:12');
    expect(formatClock(-5)).toBe('0:00');
  });

  it('rounds time left to what a person needs', () => {
    expect(formatRemaining(400)).toBe('1 sec');
    expect(formatRemaining(372_000)).toBe('6 min');
    expect(formatRemaining(5_400_000)).toBe('1.5 hr');
    expect(formatRemaining(372_000, 'zh-CN')).toContain('6');
  });

  it('says how long ago in the largest whole unit', () => {
    const now = 1_000_000_000;
    expect(ago(now - 59_000, now)).toEqual({ unit: 'now', n: 0 });
    expect(ago(now - 60_000, now)).toEqual({ unit: 'minutes', n: 1 });
    expect(ago(now - 7_200_000, now)).toEqual({ unit: 'hours', n: 2 });
    expect(ago(now - 3 * 86_400_000, now)).toEqual({ unit: 'days', n: 3 });
  });
});

it('writes shares as percent', () => {
  expect(formatPercent(0.9312)).toBe('93.1 %');
  expect(formatPercent(1, 'en', 0)).toBe('100 %');
});
