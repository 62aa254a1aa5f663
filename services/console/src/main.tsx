import './mantine-styles.js';
import './console.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { PageGuard } from './parts/page-guard.js';

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <PageGuard>
        <App />
      </PageGuard>
    </StrictMode>,
  );
}
