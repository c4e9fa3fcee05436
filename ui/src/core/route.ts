/** Addresses inside the application: `#/data/<dataset>?q=…`. Pure. */
export interface Route {
  /** The screen: first segment; `projects` where the address is empty. */
  screen: string;
  /** The segments after the screen, decoded. */
  args: readonly string[];
  query: Readonly<Record<string, string>>;
}

export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [screen = '', ...args] = path.split('/').filter(Boolean).map(decode);
  return { screen: screen || 'projects', args, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The address of a screen; empty query values are left out. */
export function href(
  screen: string,
  args: readonly string[] = [],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const path = [screen, ...args].map(encodeURIComponent).join('/');
  const search = new URLSearchParams(
    Object.entries(query).filter((e): e is [string, string] => Boolean(e[1])),
  ).toString();
  return `#/${path}${search ? `?${search}` : ''}`;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
