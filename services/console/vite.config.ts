import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// biome-ignore lint/style/noDefaultExport: Vite reads its configuration from the default export.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // Browsers that know `light-dark()` and top-level features of ES2023: none older is promised.
    target: 'es2023',
    // A CSP without `unsafe-inline` stays possible: nothing is inlined into the page as data: URLs.
    assetsInlineLimit: 0,
  },
});
