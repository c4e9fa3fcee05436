/** The application in its own window. The only file that knows the shell. */
import { Channel, convertFileSrc, invoke } from '@tauri-apps/api/core';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { ApiError, type Adapter, type DropListener, type Picked, type PickOptions } from './adapter';
import type { CommandName, Request, Response } from './commands';
import type { AppEvent } from './types';

export class TauriAdapter implements Adapter {
  readonly kind = 'window';
  // "va://localhost" or, on Windows, "http://va.localhost".
  readonly #base = convertFileSrc('', 'va').replace(/\/$/, '');

  call<N extends CommandName>(name: N, request: Request<N>): Promise<Response<N>> {
    return invoke<Response<N>>('call', { name, request });
  }

  subscribe(onEvent: (event: AppEvent) => void, connected: (is: boolean) => void): () => void {
    let open = true;
    const channel = new Channel<AppEvent>();
    channel.onmessage = (event) => {
      if (open) onEvent(event);
    };
    invoke('subscribe', { channel }).then(
      () => connected(true),
      () => connected(false),
    );
    return () => {
      open = false;
    };
  }

  mediaUrl(path: string): string {
    return `${this.#base}/${path}`;
  }

  async pick(options: PickOptions): Promise<Picked | null> {
    const paths = await invoke<string[] | null>('pick_paths', { options });
    return paths?.length ? { kind: 'paths', paths } : null;
  }

  onDrop(listener: DropListener): () => void {
    const stopping = getCurrentWebview().onDragDropEvent(({ payload }) => {
      if (payload.type === 'leave') listener.over(null);
      else if (payload.type === 'drop') {
        listener.over(null);
        if (payload.paths.length) listener.drop({ kind: 'paths', paths: payload.paths });
      } else {
        // Physical pixels from the shell, CSS pixels here.
        listener.over({
          x: payload.position.x / window.devicePixelRatio,
          y: payload.position.y / window.devicePixelRatio,
        });
      }
    });
    return () => void stopping.then((stop) => stop());
  }

  /** The window has real paths; nothing is ever uploaded. */
  upload(): Promise<string> {
    return Promise.reject(new ApiError('internal', 'BUG: an upload inside the window'));
  }
}
