/** What a sample says of its classes, as on the wire. */
export interface SampleClasses {
  /** Of several, the one that was given first. */
  readonly label_id?: string | null;
  /** Every class, in the order of the dataset's classes. */
  readonly label_ids: string[];
  /** A person said that the image shows none of the classes. */
  readonly no_class: boolean;
}

/** One class instead of all others; null: none, and nothing said. */
export function withClass(label_id: string | null): SampleClasses {
  return { label_id, label_ids: label_id ? [label_id] : [], no_class: false };
}

/** Whether a sample has the class; null: whether it is said to show none. */
export function hasClass(sample: SampleClasses, label_id: string | null): boolean {
  return label_id === null ? sample.no_class : sample.label_ids.includes(label_id);
}

/**
 * The classes after a toggle of samples that all have it (`present`) or do not. null is the word that the image shows none of
 * the classes: it takes every class away. `order`: ids of the classes of the dataset in their order.
 */
export function toggled(
  sample: SampleClasses,
  label_id: string | null,
  present: boolean,
  order: readonly string[],
): SampleClasses {
  if (label_id === null) {
    return present
      ? { ...classesOf(sample), no_class: false }
      : { label_id: null, label_ids: [], no_class: true };
  }
  const others = sample.label_ids.filter((id) => id !== label_id);
  if (present) {
    const first = sample.label_id === label_id ? (others[0] ?? null) : (sample.label_id ?? null);
    return { label_id: first, label_ids: others, no_class: sample.no_class };
  }
  const place = (id: string): number => order.indexOf(id);
  const label_ids = [...others, label_id].sort((a, b) => place(a) - place(b));
  return { label_id: sample.label_id ?? label_id, label_ids, no_class: false };
}

function classesOf({ label_id, label_ids, no_class }: SampleClasses): SampleClasses {
  return { label_id: label_id ?? null, label_ids, no_class };
}
