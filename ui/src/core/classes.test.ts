import { expect, it } from 'vitest';
import { hasClass, toggled, withClass } from './classes';

const order = ['a', 'b', 'c'];

it('adds a class in the order of the dataset and keeps which came first', () => {
  const one = toggled(withClass(null), 'c', false, order);
  expect(one).toEqual({ label_id: 'c', label_ids: ['c'], no_class: false });
  expect(toggled(one, 'a', false, order)).toEqual({ label_id: 'c', label_ids: ['a', 'c'], no_class: false });
});

it('takes a class away, and the next one is then the first', () => {
  const both = { label_id: 'c', label_ids: ['a', 'c'], no_class: false };
  expect(toggled(both, 'c', true, order)).toEqual({ label_id: 'a', label_ids: ['a'], no_class: false });
  expect(toggled(both, 'a', true, order)).toEqual({ label_id: 'c', label_ids: ['c'], no_class: false });
});

it('says that an image shows none of them, and takes that back', () => {
  const none = toggled({ label_id: 'a', label_ids: ['a'], no_class: false }, null, false, order);
  expect(none).toEqual({ label_id: null, label_ids: [], no_class: true });
  expect(hasClass(none, null)).toBe(true);
  expect(toggled(none, null, true, order).no_class).toBe(false);
  expect(toggled(none, 'b', false, order)).toEqual({ label_id: 'b', label_ids: ['b'], no_class: false });
});

it('replaces all classes by one', () => {
  expect(withClass('b')).toEqual({ label_id: 'b', label_ids: ['b'], no_class: false });
  expect(hasClass(withClass('b'), 'b')).toBe(true);
  expect(hasClass(withClass('b'), null)).toBe(false);
});
