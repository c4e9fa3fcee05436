import { expect, it } from 'vitest';
import { actionsOf, isFinal, needsExplanation, nextStep, plannedEnd } from './run';

it('offers pause only while running and resume where a checkpoint can go on', () => {
  expect(actionsOf('running')).toContain('pause');
  expect(actionsOf('queued')).not.toContain('pause');
  for (const state of ['paused', 'interrupted', 'failed', 'cancelled'] as const)
    expect(actionsOf(state)[0]).toBe('resume');
  expect(actionsOf('succeeded')).not.toContain('resume');
});

it('never offers to delete what is not final', () => {
  for (const state of ['queued', 'running', 'paused', 'interrupted'] as const) {
    expect(isFinal(state)).toBe(false);
    expect(actionsOf(state)).not.toContain('delete');
  }
});

it('explains every state in which a run stands still without being done', () => {
  expect(
    ['failed', 'interrupted', 'cancelled', 'paused'].every((state) => needsExplanation(state as never)),
  ).toBe(true);
  expect(needsExplanation('succeeded')).toBe(false);
});

it('runs to the planned end, or further', () => {
  expect(plannedEnd(40, 14.3)).toBe(40);
  expect(plannedEnd(0, 2.1)).toBe(3);
  expect(plannedEnd(0, 0)).toBe(1);
});

it('has a next step only where the run offers it as its first action', () => {
  for (const state of [
    'queued',
    'running',
    'paused',
    'interrupted',
    'succeeded',
    'failed',
    'cancelled',
  ] as const) {
    const step = nextStep(state);
    if (step) expect(actionsOf(state)[0]).toBe(step);
  }
  expect([nextStep('succeeded'), nextStep('paused'), nextStep('failed')]).toEqual([
    'evaluate',
    'resume',
    null,
  ]);
});
