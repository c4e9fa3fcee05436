/** State of a job as on the wire. */
export type RunState = 'queued' | 'running' | 'paused' | 'interrupted' | 'succeeded' | 'failed' | 'cancelled';

export type RunAction = 'pause' | 'resume' | 'stop' | 'evaluate' | 'models' | 'again' | 'delete';

/** What can be done with a run in this state, the most useful first. */
export function actionsOf(state: RunState): readonly RunAction[] {
  switch (state) {
    case 'queued':
      return ['stop'];
    case 'running':
      return ['pause', 'stop'];
    case 'paused':
      return ['resume', 'stop'];
    case 'interrupted':
      return ['resume', 'stop'];
    case 'failed':
    case 'cancelled':
      return ['resume', 'again', 'delete'];
    case 'succeeded':
      return ['evaluate', 'models', 'again', 'delete'];
  }
}

/** What a run of this state waits for: the one coloured button of its page. Null: nothing, a new run may be next. */
export function nextStep(state: RunState): 'resume' | 'evaluate' | null {
  if (state === 'paused' || state === 'interrupted') return 'resume';
  return state === 'succeeded' ? 'evaluate' : null;
}

export function isFinal(state: RunState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

/** Whether a run of this state needs a word about why it stands, what is safe and what to do. */
export function needsExplanation(
  state: RunState,
): state is 'paused' | 'interrupted' | 'failed' | 'cancelled' {
  return state === 'paused' || state === 'interrupted' || state === 'failed' || state === 'cancelled';
}

/** How far a chart over epochs reaches: the planned end, or further when points lie behind it. */
export function plannedEnd(plannedEpochs: number, lastEpoch: number): number {
  return Math.max(plannedEpochs, Math.ceil(lastEpoch), 1);
}
