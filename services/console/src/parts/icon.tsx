const paths = {
  overview: 'M3 17h14M5 14V9m5 5V4m5 10V7',
  crawls: 'M3 5h14M3 10h14M3 15h9',
  settlements: 'M3 6h11l-3-3M17 14H6l3 3',
  prices: 'M3 3h7l7 7-7 7-7-7zM7 7h.01',
  books: 'M10 4v13M3 4h4a3 3 0 0 1 3 3 3 3 0 0 1 3-3h4v11h-5a2 2 0 0 0-2 2 2 2 0 0 0-2-2H3z',
  sun: 'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM10 2v1.6m0 12.8V18M2 10h1.6m12.8 0H18M4.3 4.3l1.2 1.2m9 9 1.2 1.2m0-11.4-1.2 1.2m-9 9-1.2 1.2',
  moon: 'M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z',
  leave: 'M8 3H4v14h4M8 10h9m-3-3 3 3-3 3',
  copy: 'M7 7V3h10v10h-4M3 7h10v10H3z',
  check: 'm4 10.5 4 4 8-9',
  down: 'm5 8 5 5 5-5',
  plus: 'M10 4v12M4 10h12',
  up: 'm5 12 5-5 5 5',
  cross: 'm5 5 10 10M15 5 5 15',
} as const;

export type IconName = keyof typeof paths;

/** Decoration beside a word or inside a labelled button; never the only name of a thing. */
export function Icon(props: { readonly name: IconName; readonly size?: number }) {
  const { name, size = 18 } = props;
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={paths[name]} />
    </svg>
  );
}
