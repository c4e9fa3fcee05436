export const charts = {
  'charts.copy_csv': 'Copy as CSV',
  'charts.save_png': 'Save as picture',
  'charts.copied': 'Copied {n} rows',
  'charts.copy_failed': 'The clipboard refused. Click into the window and try again.',
  'charts.reset_zoom': 'Whole run',
  'charts.hint': 'Drag to zoom, double-click for the whole run',
  'charts.empty': 'No values yet',
  'charts.reading': '{x}: {values}',
  'charts.epoch': 'Epoch',
  'charts.epoch_at': 'Epoch {n}',
} as const;
