import { page, type Handlers } from './handlers';

/** Training. */
export const trainHandlers: Handlers = {
  train_options: () => ({
    archs: ['resnet18'],
    presets: [],
    devices: [{ kind: 'cpu', name: 'AMD Ryzen 5 5600', available: true, note: '' }],
  }),
};

/** Models, until there are some. */
export const modelHandlers: Handlers = { model_list: () => page([]), project_models: () => page([]) };

/** Evaluations, until there are some. */
export const evaluationHandlers: Handlers = { evaluation_list: () => page([]) };
