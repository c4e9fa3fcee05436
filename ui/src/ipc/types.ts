/** The words of the wire: generated types under the names the UI uses. */
import type { Code } from './generated/commands';

export type * from './generated/commands';
export type { Event as AppEvent } from './generated/commands';

export type Page<T> = { items: T[]; next_cursor: string | null; total: number };

/** `offline` exists only here: there was no answer at all. */
export type ErrorCode = Code | 'offline';
