import {
  ApiError,
  type Adapter,
  type DropListener,
  type Picked,
  type PickedFile,
  type PickOptions,
} from './adapter';
import { filesFromDrop, filesFromInput } from './browser-files';
import type { CommandName, Request, Response } from './commands';
import { COMMANDS } from './generated/commands';
import type { AppEvent } from './types';

const BASE = '/api/v1';
const RECONNECT_AFTER_MS = 3000;

/** Turns a command into method, address and body: path places first, the rest as query (GET, DELETE) or body. */
export function httpRequest(
  name: CommandName,
  request: object,
): { method: string; url: string; body?: string } {
  const { method, path, pathParams } = COMMANDS[name];
  const fields = Object.entries(request);
  const places = new Map(fields.map(([key, value]) => [key, encodeURIComponent(String(value))]));
  const filled = path.replace(/\{(\w+)\}/g, (_, place: string) => places.get(place) ?? '');
  const rest = Object.fromEntries(fields.filter(([key]) => !pathParams.includes(key)));
  if (method !== 'GET' && method !== 'DELETE')
    return { method, url: BASE + filled, body: JSON.stringify(rest) };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined || value === null) continue;
    query.set(key, Array.isArray(value) ? value.join(',') : String(value));
  }
  const search = query.toString();
  return { method, url: BASE + filled + (search ? `?${search}` : '') };
}

async function answer(response: globalThis.Response): Promise<unknown> {
  const text = await response.text();
  let body: unknown;
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    throw new ApiError('internal', `${response.status} ${response.statusText}`.trim());
  }
  if (!response.ok) throw ApiError.from(body);
  return body;
}

/** The application in a browser: cookie for who, REST for what, server-sent events for news. */
export class HttpAdapter implements Adapter {
  readonly kind = 'browser';

  async call<N extends CommandName>(name: N, request: Request<N>): Promise<Response<N>> {
    const { method, url, body } = httpRequest(name, request);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response: globalThis.Response;
    try {
      response = await fetch(url, { method, headers, body, credentials: 'same-origin' });
    } catch {
      throw new ApiError('offline', '');
    }
    return (await answer(response)) as Response<N>;
  }

  subscribe(onEvent: (event: AppEvent) => void, connected: (is: boolean) => void): () => void {
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let lost = false;
    const open = (): void => {
      source = new EventSource(`${BASE}/events`, { withCredentials: true });
      source.onmessage = (message: MessageEvent<string>) => onEvent(JSON.parse(message.data) as AppEvent);
      source.onopen = () => {
        connected(true);
        // What happened in between was not heard: everything may be old.
        if (lost) onEvent({ kind: 'lagged' });
        lost = false;
      };
      source.onerror = () => {
        lost = true;
        connected(false);
        // A browser tries again by itself unless it was refused.
        if (source.readyState === EventSource.CLOSED) again = setTimeout(open, RECONNECT_AFTER_MS);
      };
    };
    open();
    return () => {
      clearTimeout(again);
      source.close();
    };
  }

  mediaUrl(path: string): string {
    return `${BASE}/${path}`;
  }

  /** A browser cannot name a place to save to: the caller then asks for a path. */
  async pick(options: PickOptions): Promise<Picked | null> {
    if (options.what === 'save') return null;
    const files = await filesFromInput(options.what === 'folder', options.extensions);
    return files.length ? { kind: 'files', files } : null;
  }

  onDrop(listener: DropListener): () => void {
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent): void => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      listener.over({ x: event.clientX, y: event.clientY });
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) listener.over(null);
    };
    const drop = (event: DragEvent): void => {
      if (!holdsFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      listener.over(null);
      // An empty folder is dropped too: whoever takes it says so.
      void filesFromDrop(event.dataTransfer).then((files) => listener.drop({ kind: 'files', files }));
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }

  upload(files: PickedFile[], progress?: (share: number) => void): Promise<string> {
    const form = new FormData();
    for (const { file, relative_path } of files) form.append('file', file, relative_path);
    // XMLHttpRequest, because fetch tells nothing of how far an upload is.
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', `${BASE}/uploads`);
      request.withCredentials = true;
      request.upload.onprogress = (e) => {
        if (e.lengthComputable) progress?.(e.loaded / e.total);
      };
      request.onerror = () => reject(new ApiError('offline', ''));
      request.onload = () => {
        answer(new globalThis.Response(request.responseText, { status: request.status })).then(
          (body) => resolve((body as { upload_id: string }).upload_id),
          reject,
        );
      };
      request.send(form);
    });
  }
}

/**
 * Signs this browser in with the one-time code that `visaion start` put into the address, then takes the
 * code out of the address and of the history.
 */
export async function exchangeCode(place: Location, history: History): Promise<void> {
  const code = /[#&?]code=([^&]+)/.exec(place.hash)?.[1];
  if (!code) return;
  history.replaceState(null, '', place.pathname + place.search + '#/');
  const response = await fetch(`${BASE}/auth/exchange`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: decodeURIComponent(code) }),
    credentials: 'same-origin',
  });
  await answer(response);
}
