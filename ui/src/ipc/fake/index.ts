/** The application, made up: for tests and for looking at screens without one. Never in a production build. */
import { ApiError, type Adapter, type DropListener, type Picked } from '../adapter';
import type { CommandName, Request, Response } from '../commands';
import type { AppEvent } from '../types';
import { dataHandlers } from './data';
import { gpuPackHandlers } from './gpu-pack';
import type { Handlers } from './handlers';
import { jobHandlers } from './jobs';
import { machineHandlers, snapshot } from './machine';
import { maskPicture, picture } from './pictures';
import { sampleHandlers } from './sample-handlers';
import { evaluationHandlers, seedResults } from './evaluations';
import { modelHandlers } from './models';
import { seedRuns, trainHandlers } from './train';
import { weightsHandlers } from './weights';
import { World } from './world';

const HANDLERS: Handlers = {
  ...dataHandlers,
  ...sampleHandlers,
  ...jobHandlers,
  ...machineHandlers,
  ...trainHandlers,
  ...modelHandlers,
  ...evaluationHandlers,
  ...weightsHandlers,
  ...gpuPackHandlers,
};

export class FakeAdapter implements Adapter {
  readonly kind = 'fake';
  readonly world: World;
  /** What was asked, for tests. */
  readonly calls: { name: CommandName; request: unknown }[] = [];
  /** What the next choice of files gives. */
  picked: Picked | null = { kind: 'paths', paths: ['/home/anna/pictures/tiles'] };
  #failing = new Map<CommandName, ApiError>();

  /** `kind`: "empty" for a new library; by default `?library=` of the address says; `?gpu=` says what card there is. */
  constructor(
    kind = typeof location === 'undefined' ? '' : new URLSearchParams(location.search).get('library'),
  ) {
    this.world = new World(kind ?? '');
    const gpu = typeof location === 'undefined' ? null : new URLSearchParams(location.search).get('gpu');
    if (gpu === 'unusable' || gpu === 'old_driver' || gpu === 'none') this.world.gpu = gpu;
    // Only to look at: tests begin without runs and models, and without timers.
    if (import.meta.env.MODE === 'fake' && kind !== 'empty') {
      seedRuns(this.world);
      seedResults(this.world);
    }
  }

  /** Lets a command fail from now on, or (without error) work again. */
  fail(name: CommandName, error?: ApiError): void {
    if (error) this.#failing.set(name, error);
    else this.#failing.delete(name);
  }

  async call<N extends CommandName>(name: N, request: Request<N>): Promise<Response<N>> {
    this.calls.push({ name, request });
    const error = this.#failing.get(name);
    if (error) throw error;
    const handler = HANDLERS[name] as ((world: World, request: Request<N>) => Response<N>) | undefined;
    if (!handler) throw new ApiError('internal', `the fake does not know ${name}`);
    // Through JSON, as on the wire: nothing shared, nothing that JSON cannot carry.
    return JSON.parse(JSON.stringify(handler(this.world, request))) as Response<N>;
  }

  subscribe(onEvent: (event: AppEvent) => void, connected: (is: boolean) => void): () => void {
    connected(true);
    const stop = this.world.listen(onEvent);
    const timer = setInterval(
      () => onEvent({ kind: 'resources', snapshot: snapshot(this.world, Date.now()) }),
      1000,
    );
    return () => {
      stop();
      clearInterval(timer);
    };
  }

  mediaUrl(path: string): string {
    const id = /^samples\/([^/]+)\//.exec(path)?.[1];
    const dataset = id && this.world.datasets.find((d) => d.samples.index(id) !== null);
    if (!id || !dataset) return 'data:,';
    const i = dataset.samples.index(id) ?? 0;
    const { width_px, height_px } = dataset.samples.at(i);
    if (path.endsWith('/mask')) return maskPicture(width_px, height_px);
    return picture(i, dataset.samples.kind(i) % 3, width_px, height_px);
  }

  pick(): Promise<Picked | null> {
    return Promise.resolve(this.picked);
  }

  onDrop(listener: DropListener): () => void {
    const over = (event: DragEvent): void => {
      event.preventDefault();
      listener.over({ x: event.clientX, y: event.clientY });
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      if (this.picked) listener.drop(this.picked);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('drop', drop);
    };
  }

  upload(): Promise<string> {
    return Promise.resolve('upload-1');
  }
}
