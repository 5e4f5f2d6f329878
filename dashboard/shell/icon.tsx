/** The page's few pictures, as lines on a grid of 16. */

const PATHS = {
  overview: "M2 13V8m4 5V3m4 10V6m4 7V9",
  models: "M8 1.500 14 5v6l-6 3.500L2 11V5zM2 5l6 3.500L14 5M8 8.500v6",
  apps: "M2.500 2.500h4v4h-4zm7 0h4v4h-4zm-7 7h4v4h-4zm7 0h4v4h-4z",
  upstreams: "M3 2.500h10v4H3zm0 7h10v4H3zM5.500 4.500h.01M5.500 11.500h.01",
  costs:
    "M8 1.500v13M11.500 4.500C11 3.300 9.700 3 8 3 6 3 4.500 3.700 4.500 5.400c0 3.600 7 1.700 7 5.200C11.500 12.300 10 13 8 13s-3.300-.600-3.800-1.800",
  calls: "M5.500 4H14M5.500 8H14M5.500 12H14M2 4h.01M2 8h.01M2 12h.01",
  alerts:
    "M8 2c-2.600 0-3.800 1.800-3.800 4.300 0 2.700-.700 3.700-1.700 4.700h11c-1-1-1.700-2-1.700-4.700C11.800 3.800 10.600 2 8 2zM6.500 13.500a1.600 1.600 0 0 0 3 0",
  budgets: "M8 2a6 6 0 1 0 6 6H8z M10.500 1.800A6 6 0 0 1 14.200 5.500h-3.700z",
  routes:
    "M3 13.500V10c0-1.500 1-2 2.500-2h5C12 8 13 7.500 13 6V2.500M3 2.500V6c0 1.500 1 2 2.500 2M11 4.500l2-2 2 2",
  settings: "M2 4.500h7m3 0h2M2 11.500h2m3 0h7M9 2.800h3v3.400H9zM4 9.800h3v3.400H4z",
  menu: "M2 4h12M2 8h12M2 12h12",
  close: "M3.500 3.500l9 9m0-9l-9 9",
  refresh: "M13.500 8a5.500 5.500 0 1 1-1.700-4M13.500 1.500V4.500h-3",
  search: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.500 10.500l3.500 3.500",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: what it stands for is said beside it. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden>
      <path d={PATHS[name]} />
    </svg>
  );
}
