import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

// Vite reads its configuration from the default export; nothing else in the project has one.
export default defineConfig({
  plugins: [react()],
  // Workspace packages resolve to their sources, so the bundle never holds a stale build of them.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Browsers that know `light-dark()` and top-level features of ES2023: none older is promised.
    target: 'es2023',
    // A CSP without `unsafe-inline` stays possible: nothing is inlined into the page as data: URLs.
    assetsInlineLimit: 0,
  },
});
