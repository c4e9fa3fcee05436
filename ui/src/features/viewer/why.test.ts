import { expect, it } from 'vitest';
import { askedModel } from './why.svelte';

it('reads a model from the address, and nothing from half of one', () => {
  expect(askedModel({ model: 'm', version: '3' })).toEqual({ model_id: 'm', version: 3 });
  for (const query of [{}, { model: 'm' }, { version: '3' }, { model: 'm', version: 'x' }])
    expect(askedModel(query as Record<string, string>)).toBeNull();
});
