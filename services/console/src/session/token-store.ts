/**
 * The bearer token of this tab. sessionStorage and not localStorage: it ends with the tab, and
 * other tabs do not inherit it. Never in a URL, a cookie or a log.
 */
const key = 'paycrawl.token';

export function storedToken(): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    // Storage may be forbidden: the token then lives as long as the page.
    return null;
  }
}

export function storeToken(token: string): void {
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // As above.
  }
}

export function forgetToken(): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing was stored.
  }
}
