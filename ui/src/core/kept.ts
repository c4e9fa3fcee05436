/** What an earlier start kept in the browser's own storage; null where there is nothing, or nothing readable. */
export function readKept<T>(key: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}
