import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusal } from './layers.js';

const src = path.resolve('/ui/src');
const from = (file, source) => refusal(path.join(src, file), source, src);

describe('layers', () => {
  it('lets arrows point down', () => {
    expect(from('app/App.svelte', '@/features/data/Screen.svelte')).toBeNull();
    expect(from('features/data/Screen.svelte', '@/ipc/client')).toBeNull();
    expect(from('features/data/Screen.svelte', './Grid.svelte')).toBeNull();
    expect(from('shared/ui/Button.svelte', '@/core/format')).toBeNull();
    expect(from('core/format.ts', 'svelte')).toBeNull();
  });

  it('refuses arrows that point up or across', () => {
    expect(from('core/format.ts', '@/shared/ui')).toContain('core may not import shared');
    expect(from('shared/ui/Button.svelte', '@/ipc/client')).toContain('shared may not import ipc');
    expect(from('canvas/stage.ts', '@/ipc/client')).toContain('canvas may not import ipc');
    expect(from('ipc/client.ts', '../features/data/gallery.svelte')).toContain('ipc may not import features');
    expect(from('features/data/a.ts', '@/features/viewer/b')).toContain('may not import the feature');
    expect(from('features/data/a.ts', '../viewer/b')).toContain('may not import the feature');
  });

  it('knows one file that may know the shell', () => {
    expect(from('ipc/tauri.ts', '@tauri-apps/api/core')).toBeNull();
    expect(from('ipc/client.ts', '@tauri-apps/api/core')).not.toBeNull();
    expect(from('features/data/a.ts', '@tauri-apps/api/core')).not.toBeNull();
  });
});
