/** A model that the viewer was opened with, and what is asked of it; kept from one image to the next. */
export interface AskedModel {
  readonly model_id: string;
  readonly version: number;
}

export class Why {
  on = $state(true);
  opacity = $state(0.6);
  /** Null: the class that the model says. */
  class_idx = $state<number | null>(null);
}

/** The model that an address names. */
export function askedModel(query: Readonly<Record<string, string>>): AskedModel | null {
  const [model_id, version] = [query['model'], Number(query['version'])];
  return model_id && Number.isInteger(version) && version > 0 ? { model_id, version } : null;
}
