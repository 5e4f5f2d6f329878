/** Models: calls, speed, tokens and money of each. */
import { Breakdown } from "../parts/breakdown.tsx";

export function Models() {
  return <Breakdown by="model" />;
}
