import { expect, it } from 'vitest';
import { classNames, decided, predictionsCsv, sorted, tally } from './table';

const image = (name: string, label: string, score: number) => ({
  name,
  label,
  score,
  labels: [label],
  probabilities: [
    { label, probability: score },
    { label: label === 'Break' ? 'Free' : 'Break', probability: 1 - score },
  ],
});

const images = [image('b.jpg', 'Free', 0.9), image('a.jpg', 'Break', 0.6), image('c.jpg', 'Free', 0.75)];

it('orders classes the same for every row', () => {
  expect(classNames(images)).toEqual(['Break', 'Free']);
});

it('writes one column a class', () => {
  expect(predictionsCsv([image('x,1.jpg', 'Free', 0.75)])).toBe(
    'name,label,score,Break,Free\r\n"x,1.jpg",Free,0.75,0.25,0.75\r\n',
  );
});

it('sorts without touching what it was given', () => {
  expect(sorted(images, 'least_sure').map((i) => i.name)).toEqual(['a.jpg', 'c.jpg', 'b.jpg']);
  expect(sorted(images, 'label').map((i) => i.name)).toEqual(['a.jpg', 'b.jpg', 'c.jpg']);
  expect(sorted(images, 'given').map((i) => i.name)).toEqual(['b.jpg', 'a.jpg', 'c.jpg']);
});

it('tallies the predicted classes', () => {
  expect(tally(images)).toEqual([
    { label: 'Free', count: 2 },
    { label: 'Break', count: 1 },
  ]);
});

it('gives every class at or above the threshold, or none', () => {
  const several = decided([image('a.jpg', 'Free', 0.75)], 0.25);
  expect(several[0]?.labels).toEqual(['Free', 'Break']);
  expect(decided(several, 0.8)[0]?.labels).toEqual([]);
  expect(tally(several)).toEqual([
    { label: 'Break', count: 1 },
    { label: 'Free', count: 1 },
  ]);
  expect(predictionsCsv(several)).toContain('a.jpg,Free; Break,0.75');
});
