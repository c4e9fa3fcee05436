export const projects = {
  'projects.title': 'Projects',
  'projects.new': 'New project…',
  'projects.create': 'Create project',
  'projects.create_text':
    'A project holds the datasets and models of one task. It begins with an empty dataset of the same name.',
  'projects.name_hint': 'What is inspected, for example “Tile defects”.',
  'projects.try_sample': 'Try the sample project',
  'projects.task': 'Task',
  'task.classification': 'One class an image',
  'task.multilabel_classification': 'Several classes an image',
  'task.classification.hint': 'Each image is of exactly one class, for example good or broken.',
  'task.multilabel_classification.hint':
    'An image may show several classes at once, or none, for example scratch and dirt.',
  'projects.sample_text': 'Blood cells, ready to train offline in a few minutes',
  'projects.empty': 'Begin with a project',
  'projects.empty_text':
    'Drop a folder of images anywhere on this window, create an empty project, or look around in the sample: real photographs of blood cells, ready to label and train. Nothing leaves this machine.',
  'projects.search': 'Search projects',
  'projects.no_match': 'No project is called that',
  'projects.open': 'Open {name}',
  'projects.menu': 'More about {name}',
  'projects.edited': 'changed {ago}',
  'projects.no_images': 'No images yet',
  'projects.rename': 'Rename project',
  'projects.delete': 'Delete project',
  'projects.delete_title': 'Delete the project “{name}”?',
  'projects.delete_stays':
    'What stays: its datasets ({datasets}), their {samples} and its models ({models}). They remain in the library and can be linked to another project.',
  'projects.delete_goes': 'Only the project itself is removed. This cannot be undone.',
  'projects.deleted': 'Project “{name}” deleted; its datasets and models stay',
} as const;
