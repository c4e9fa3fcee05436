import { href, parseRoute, type Route } from '@/core/route';

let route = $state.raw<Route>(parseRoute(typeof location === 'undefined' ? '' : location.hash));

/** Follows the address; called once by the app. */
export function startRouter(): () => void {
  const follow = (): void => {
    // A sign-in address given to a page that is open already: only a fresh start takes its code.
    if (location.hash.startsWith('#code=')) return location.reload();
    route = parseRoute(location.hash);
  };
  window.addEventListener('hashchange', follow);
  follow();
  return () => window.removeEventListener('hashchange', follow);
}

export function currentRoute(): Route {
  return route;
}

type Query = Readonly<Record<string, string | undefined>>;

/** Opens a screen: `go('data', [dataset.id])`. */
export function go(screen: string, args: readonly string[] = [], query: Query = {}): void {
  location.hash = href(screen, args, query);
}

/** As `go`, without a step in the history: for an address that follows what is shown. */
export function replace(screen: string, args: readonly string[] = [], query: Query = {}): void {
  history.replaceState(null, '', href(screen, args, query));
  route = parseRoute(location.hash);
}
