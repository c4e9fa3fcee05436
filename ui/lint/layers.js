import path from 'node:path';

/**
 * The arrows between the folders of `src`: app → features → { canvas, ipc, shared } → core.
 * No feature imports another; canvas never imports ipc; only ipc/tauri.ts knows the shell.
 */
const MAY_IMPORT = {
  app: ['app', 'features', 'canvas', 'ipc', 'shared', 'core'],
  features: ['features', 'canvas', 'ipc', 'shared', 'core'],
  ipc: ['ipc', 'core'],
  shared: ['shared', 'core'],
  canvas: ['canvas', 'core'],
  core: ['core'],
};

/** `[layer, feature]` of a path below `src`, or null for anything else. */
function place(file, src) {
  const inside = path.relative(src, file);
  if (inside.startsWith('..')) return null;
  const [layer, feature] = inside.split(path.sep);
  return layer in MAY_IMPORT ? { layer, feature } : null;
}

/** Why `source` may not be imported from `file`, or null. */
export function refusal(file, source, src) {
  const from = place(file, src);
  if (!from) return null;
  if (source.startsWith('@tauri-apps/')) {
    return path.relative(src, file) === path.join('ipc', 'tauri.ts')
      ? null
      : 'only ipc/tauri.ts may import @tauri-apps/*';
  }
  const target = source.startsWith('@/')
    ? path.join(src, source.slice(2))
    : source.startsWith('.')
      ? path.resolve(path.dirname(file), source)
      : null;
  const to = target && place(target, src);
  if (!to) return null;
  if (!MAY_IMPORT[from.layer].includes(to.layer)) return `${from.layer} may not import ${to.layer}`;
  if (from.layer === 'features' && to.layer === 'features' && from.feature !== to.feature) {
    return `the feature "${from.feature}" may not import the feature "${to.feature}"`;
  }
  return null;
}

export default {
  meta: { type: 'problem', docs: { description: 'keeps the layers of src apart' }, schema: [] },
  create(context) {
    const file = context.filename;
    const at = file.lastIndexOf(`${path.sep}src${path.sep}`);
    if (at < 0) return {};
    const src = file.slice(0, at + 4);
    const check = (node) => {
      if (typeof node.source?.value !== 'string') return;
      const message = refusal(file, node.source.value, src);
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
