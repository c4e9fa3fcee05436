/** Quantities as a person reads them. Pure; the language is an argument. */

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** 1,536 → "1.5 KB": three digits at most, decimal point only below ten. */
export function formatBytes(bytes: number, language = 'en'): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** 372,000 ms → "6:12"; from an hour on "1:06:12". */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 372,000 ms → "6 min"; rough on purpose, for time left. */
export function formatRemaining(ms: number, language = 'en'): string {
  const unit = (value: number, name: 'second' | 'minute' | 'hour'): string =>
    new Intl.NumberFormat(language, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: 1,
    }).format(value);
  if (ms < 60_000) return unit(Math.max(1, Math.round(ms / 1000)), 'second');
  if (ms < 3_600_000) return unit(Math.round(ms / 60_000), 'minute');
  return unit(Math.round(ms / 360_000) / 10, 'hour');
}

/** 0.9312 → "93.1 %". */
export function formatPercent(share: number, language = 'en', digits = 1): string {
  const text = (share * 100).toLocaleString(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${text} %`;
}

export function formatCount(n: number, language = 'en'): string {
  return n.toLocaleString(language);
}

/** 11,689,512 → "11.7M", in Chinese "1169万": three digits with the unit of the language. */
export function formatCompact(n: number, language = 'en'): string {
  return n.toLocaleString(language, { notation: 'compact', maximumSignificantDigits: 3 });
}

export function formatDate(ms: number, language = 'en'): string {
  return new Date(ms).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
}

export type Ago = { unit: 'now' | 'minutes' | 'hours' | 'days'; n: number };

/** How long ago `then` was, in the largest whole unit. */
export function ago(then_ms: number, now_ms: number): Ago {
  const minutes = Math.floor((now_ms - then_ms) / 60_000);
  if (minutes < 1) return { unit: 'now', n: 0 };
  if (minutes < 60) return { unit: 'minutes', n: minutes };
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return { unit: 'hours', n: hours };
  return { unit: 'days', n: Math.floor(hours / 24) };
}
