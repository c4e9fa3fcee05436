import type { CommandName, Request, Response } from '../commands';
import type { World } from './world';

/** What the fake answers to some of the commands. */
export type Handlers = {
  [N in CommandName]?: (world: World, request: Request<N>) => Response<N>;
};

export function page<T>(items: T[]): { items: T[]; next_cursor: null; total: number } {
  return { items, next_cursor: null, total: items.length };
}
