import { untrack } from 'svelte';
import { ApiError } from '@/ipc/adapter';
import { call } from '@/ipc/client';
import { jobs } from '@/ipc/stores/jobs.svelte';
import type { Arch, Forecast, Job, Task, TrainSettings } from '@/ipc/types';
import { faults, readNumber, writeNumber, type NumberKey } from './settings';

/** A forecast is asked for when nothing was changed for so long. */
const SETTLE_MS = 180;

/** The form of a new run: what is chosen, what is wrong with it, what it would need. */
export class NewRun {
  dataset_id = $state('');
  task = $state<Task>('classification');
  settings = $state.raw<TrainSettings | null>(null);
  /** What can be trained here, and what images it takes. */
  archs = $state.raw<readonly Arch[]>([]);
  /** Empty: a new model. */
  model_id = $state('');
  model_name = $state('');
  forecast = $state.raw<Forecast | null>(null);
  forecastError = $state.raw<ApiError | null>(null);
  /** The forecast on screen belongs to earlier settings. */
  stale = $state(false);
  starting = $state(false);
  error = $state.raw<ApiError | null>(null);

  faults = $derived(this.settings ? faults(this.settings, this.archs) : new Map());
  ready = $derived(this.dataset_id !== '' && this.settings !== null && this.faults.size === 0);

  number(key: NumberKey): number {
    return this.settings ? readNumber(this.settings, key) : Number.NaN;
  }

  setNumber(key: NumberKey, value: number): void {
    if (this.settings) this.settings = writeNumber(this.settings, key, value);
  }

  change(part: Partial<TrainSettings>): void {
    if (this.settings) this.settings = { ...this.settings, ...part };
  }

  /** Another architecture cannot start from the weights of this one. */
  chooseArch(arch: string): void {
    if (arch !== this.settings?.arch) this.change({ arch, weights: null });
  }

  /** Seed and device are the person's, not the preset's; so are the weights to start from, while they fit. */
  usePreset(preset: TrainSettings): void {
    const kept = this.settings;
    if (!kept) return void (this.settings = preset);
    const weights = kept.arch === preset.arch ? kept.weights : null;
    this.settings = { ...preset, seed: kept.seed, device: kept.device, weights };
  }

  /** Asks for the forecast while the calling component lives. */
  useForecast(): void {
    $effect(() => {
      const request =
        this.ready && this.settings ? { dataset_id: this.dataset_id, settings: this.settings } : null;
      untrack(() => (this.stale = true));
      if (!request) return;
      let current = true;
      const timer = setTimeout(async () => {
        const answer = await call('train_forecast', request).catch((thrown: unknown) =>
          ApiError.from(thrown),
        );
        if (!current) return;
        this.stale = false;
        this.forecast = answer instanceof ApiError ? null : answer;
        this.forecastError = answer instanceof ApiError ? answer : null;
      }, SETTLE_MS);
      return () => {
        current = false;
        clearTimeout(timer);
      };
    });
  }

  /** Starts the run; null when it was refused (`error` then says why). */
  async start(project_id: string | null): Promise<Job | null> {
    if (!this.ready || !this.settings || this.starting) return null;
    this.starting = true;
    this.error = null;
    try {
      const job = await call('job_create', {
        kind: 'train',
        dataset_id: this.dataset_id,
        task: this.task,
        settings: this.settings,
        project_id,
        model_id: this.model_id || null,
        model_name: this.model_id ? null : this.model_name.trim() || null,
      });
      jobs.take(job);
      return job;
    } catch (thrown) {
      this.error = ApiError.from(thrown);
      return null;
    } finally {
      this.starting = false;
    }
  }
}
