import type { CommandName, Request, Response } from './commands';
import type { AppEvent, ErrorCode } from './types';

/** An error of the wire: what a person reads, and the code that a program branches on. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** From whatever was thrown or answered; never fails. */
  static from(thrown: unknown): ApiError {
    if (thrown instanceof ApiError) return thrown;
    if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
      const { code, message } = thrown as { code: ErrorCode; message: unknown };
      return new ApiError(code, String(message), (thrown as { details?: unknown }).details);
    }
    return new ApiError('internal', thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** A file of the browser with the path it had inside a chosen or dropped folder. */
export interface PickedFile {
  file: File;
  relative_path: string;
}

/** What a person chose or dropped: paths in the window, files in the browser. */
export type Picked = { kind: 'paths'; paths: string[] } | { kind: 'files'; files: PickedFile[] };

/** An empty folder can be dropped, too. */
export function holdsNothing(picked: Picked): boolean {
  return picked.kind === 'files' && picked.files.length === 0;
}

export interface PickOptions {
  what: 'folder' | 'files' | 'save';
  title?: string;
  /** Suggested name when saving. */
  file_name?: string;
  /** Extensions without dot. */
  extensions?: string[];
}

/** What a drag over the window does; `over` is where it is in CSS px, null when it left. */
export interface DropListener {
  over(at: { x: number; y: number } | null): void;
  drop(picked: Picked): void;
}

/** The way from the UI to the application: the window's commands, HTTP, or a fake. */
export interface Adapter {
  readonly kind: 'window' | 'browser' | 'fake';
  call<N extends CommandName>(name: N, request: Request<N>): Promise<Response<N>>;
  /** Events until the returned function is called. `connected` tells a lost and a regained connection. */
  subscribe(onEvent: (event: AppEvent) => void, connected: (is: boolean) => void): () => void;
  /** Address of an image, e.g. `samples/<id>/thumbnail?size=256`. */
  mediaUrl(path: string): string;
  /** Native dialog in the window, file input in the browser; null when cancelled or not offered. */
  pick(options: PickOptions): Promise<Picked | null>;
  /** Listens for files dropped on the window. */
  onDrop(listener: DropListener): () => void;
  /** Brings browser files to the application and names them; `progress` from 0 to 1. */
  upload(files: PickedFile[], progress?: (share: number) => void): Promise<string>;
}
