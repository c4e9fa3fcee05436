import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  resolve: {
    alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) },
    // Component tests mount in a simulated browser: take Svelte's client build there too.
    conditions: mode === 'test' ? ['browser'] : undefined,
  },
  // Relative addresses: the same files are served by the window's protocol and under the service's root.
  base: './',
  build: { target: 'es2022', chunkSizeWarningLimit: 600, sourcemap: false },
  server: {
    port: 5173,
    strictPort: true,
    proxy: { '/api': { target: process.env['VISAION_SERVICE'] ?? 'http://127.0.0.1:7878' } },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'lint/**/*.test.js'],
    // Read, not applied: a test measures the contrast of the colours.
    css: { include: /tokens\.css/ },
    restoreMocks: true,
  },
}));
