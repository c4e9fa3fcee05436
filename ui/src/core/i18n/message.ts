/** A text with `{name}` places, or one text a plural category (chosen by `n`). */
export type Message = string | { readonly one: string; readonly other: string };

/** The names of the places in a text: `'{n} of {total}'` → `'n' | 'total'`. */
type Places<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Places<Rest> : never;

/** The names a message needs; a plural always needs `n`. */
export type PlacesOf<M> = M extends string
  ? Places<M>
  : M extends { one: infer A; other: infer B }
    ? 'n' | Places<A> | Places<B>
    : never;

export type Values = Readonly<Record<string, string | number>>;

/**
 * Fills a message. Numbers are written as the language writes them; a place without a value stays visible,
 * because a sentence with a hole is easier to find than one with a missing word.
 */
export function fill(message: Message, values: Values, language: string): string {
  const text = typeof message === 'string' ? message : plural(message, values, language);
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === 'number' ? value.toLocaleString(language) : value;
  });
}

function plural(message: { one: string; other: string }, values: Values, language: string): string {
  const n = Number(values['n'] ?? 0);
  return new Intl.PluralRules(language).select(n) === 'one' ? message.one : message.other;
}
