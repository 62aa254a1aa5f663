import type { Page } from 'playwright-core';

/** How far a page can be scrolled sideways, in pixels. */
export function sidewaysPx(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}

/** The cumulative layout shift since the page was opened (web.dev/cls; good is below 0.1). */
export async function layoutShift(page: Page): Promise<number> {
  const sum: unknown = await page.evaluate(() => Reflect.get(globalThis, 'layoutShift'));
  return typeof sum === 'number' ? sum : Number.NaN;
}

/** Words whose contrast is below 4.5:1, or 3:1 where they are large (WCAG 2.2, 1.4.3). */
export function faintWords(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    type Rgba = readonly [number, number, number, number];
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgbaOf = (css: string): Rgba => {
      if (canvas === null) return [0, 0, 0, 1];
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = css;
      canvas.fillRect(0, 0, 1, 1);
      const [r = 0, g = 0, b = 0, a = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    };
    const over = (top: Rgba, below: Rgba, opacity: number): Rgba => {
      const a = top[3] * opacity;
      const mix = (at: 0 | 1 | 2) => top[at] * a + below[at] * (1 - a);
      return [mix(0), mix(1), mix(2), 1];
    };
    const luminance = ([r, g, b]: Rgba): number => {
      const linear = (channel: number) => {
        const s = channel / 255;
        return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
      };
      return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    };
    const groundOf = (element: Element | null): Rgba => {
      if (element === null) return [255, 255, 255, 1];
      const own = rgbaOf(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, groundOf(element.parentElement), 1);
    };
    const opacityOf = (element: Element | null): number =>
      element === null
        ? 1
        : Number.parseFloat(getComputedStyle(element).opacity) * opacityOf(element.parentElement);
    const faint: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const hasWords = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== '',
      );
      const isOff = element.closest(':disabled, [data-disabled], [aria-hidden="true"], noscript');
      if (!hasWords || isOff !== null || !element.checkVisibility()) continue;
      const ground = groundOf(element);
      const style = getComputedStyle(element);
      const words = over(rgbaOf(style.color), ground, opacityOf(element));
      const [dim = 0, bright = 0] = [luminance(words), luminance(ground)].sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dim + 0.05);
      const sizePx = Number.parseFloat(style.fontSize);
      const isLarge = sizePx >= 24 || (sizePx >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5)) {
        faint.push(
          `${ratio.toFixed(2)} ${element.className} "${element.textContent?.slice(0, 40)}"`,
        );
      }
    }
    return [...new Set(faint)];
  });
}

/** Things to press or fill in that have no name to be told by. */
export function namelessControls(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const controls = 'button, a[href], input:not([type=hidden]), select, textarea';
    return [...document.querySelectorAll<HTMLElement>(controls)]
      .filter((control) => control.checkVisibility())
      .filter((control) => {
        const labelled = control.getAttribute('aria-labelledby');
        const isLabelled =
          'labels' in control && control.labels instanceof NodeList && control.labels.length > 0;
        const name = control.getAttribute('aria-label') ?? control.textContent ?? '';
        return name.trim() === '' && !isLabelled && labelled === null;
      })
      .map((control) => control.outerHTML.slice(0, 120));
  });
}
