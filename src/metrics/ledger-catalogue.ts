/** The metrics of the ledger: how it is, and what it says of the month. A part of the catalogue. */

const MONTH =
  "of the calendar month in the server's time zone, as the ledger knows it: of all gateways that share it, probes left out";

/** Spread into the catalogue, which checks its form. */
export const ledgerCatalogue = {
  ledgerRows: {
    type: "counter",
    name: "bellwether_ledger_rows_total",
    unit: "rows",
    help: "Rows that the ledger's database has taken.",
    labels: [],
  },
  ledgerLag: {
    type: "gauge",
    name: "bellwether_ledger_lag_seconds",
    unit: "seconds",
    help: "How long ago the database last had all that the journal had: up to some 5 s between its transactions; grows while it cannot take rows.",
    labels: [],
  },
  ledgerMemory: {
    type: "gauge",
    name: "bellwether_ledger_resident_memory_bytes",
    unit: "bytes",
    help: "Resident memory of the ledger's process, which comes on top of the gateway's own; 0 while there is none.",
    labels: [],
  },
  ledgerDamages: {
    type: "counter",
    name: "bellwether_ledger_damages_total",
    unit: "places",
    help: "Places in the journal that could not be read, as the torn end that a kill may leave.",
    labels: [],
  },
  journalBytes: {
    type: "gauge",
    name: "bellwether_journal_bytes",
    unit: "bytes",
    help: "What the journal's files take, of all processes that share its folder.",
    labels: [],
  },
  journalDropped: {
    type: "counter",
    name: "bellwether_journal_dropped_calls_total",
    unit: "calls",
    help: "Calls whose rows were lost because the journal was full or could not be written.",
    labels: [],
  },
  monthCost: {
    type: "gauge",
    name: "bellwether_month_cost_usd",
    unit: "US dollars",
    help: `Spending ${MONTH}; \`other\` for upstreams that are not configured any more.`,
    labels: ["upstream"],
  },
  monthProjectedCost: {
    type: "gauge",
    name: "bellwether_month_projected_cost_usd",
    unit: "US dollars",
    help: `Projected spending ${MONTH}: by the hours of the week once there are two weeks of history, else linear.`,
    labels: ["upstream"],
  },
  monthTokens: {
    type: "gauge",
    name: "bellwether_month_tokens",
    unit: "tokens",
    help: `Input and output tokens ${MONTH}.`,
    labels: ["upstream"],
  },
} as const;
