import { MantineProvider } from '@mantine/core';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router';
import { apiErrorOf, isRetryable } from './api/api-error.js';
import { CrawlPage } from './pages/crawl-page.js';
import { CrawlsPage } from './pages/crawls-page.js';
import { HomePage } from './pages/home-page.js';
import { NotFoundPage } from './pages/not-found-page.js';
import { OverviewPage } from './pages/overview/overview-page.js';
import { ReconciliationPage } from './pages/reconciliation-page.js';
import { SettlementPage } from './pages/settlement-page.js';
import { SettlementsPage } from './pages/settlements-page.js';
import { Shell } from './pages/shell.js';
import { LedgerTableSkeleton } from './parts/ledger-table.js';
import { SessionGate } from './session/session-gate.js';
import { signOutOn401 } from './session/signed-out.js';
import { cssVariables, theme } from './theme.js';

const retriesMax = 2;

const queries = new QueryClient({
  queryCache: new QueryCache({
    // The session's own 401 is a wrong token and is told on the sign-in page.
    onError: (error, query) => {
      if (query.queryKey[0] !== 'session') signOutOn401(error);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) => failures < retriesMax && isRetryable(apiErrorOf(error)),
    },
  },
});

/** The editor is the one page that few people open: its code comes when it is asked for. */
const PriceBookPage = lazy(async () => {
  const page = await import('./pages/price-book/price-book-page.js');
  return { default: page.PriceBookPage };
});

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <SessionGate>
            <Pages />
          </SessionGate>
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Pages() {
  const priceBook = (
    <Suspense fallback={<LedgerTableSkeleton />}>
      <PriceBookPage />
    </Suspense>
  );
  return (
    <Routes>
      <Route index element={<HomePage />} />
      <Route path="p/:publisher" element={<Shell />}>
        <Route index element={<OverviewPage />} />
        <Route path="crawls" element={<CrawlsPage />} />
        <Route path="crawls/:crawl" element={<CrawlPage />} />
        <Route path="settlements" element={<SettlementsPage />} />
        <Route path="settlements/:batch" element={<SettlementPage />} />
        <Route path="price-book" element={priceBook} />
        <Route path="reconciliation" element={<ReconciliationPage />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
      <Route path="sign-in" element={<Navigate to="/" replace />} />
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}
