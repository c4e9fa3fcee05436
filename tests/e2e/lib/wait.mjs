const PAUSE_MS = 100;

/** Asks `check` until it gives something true; an error of it is remembered and tried again. */
export async function waitUntil(check, timeout_ms, what) {
  const end = Date.now() + timeout_ms;
  let last;
  while (Date.now() < end) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`waited ${timeout_ms} ms for ${what}${last ? `: ${last.message}` : ""}`);
}
