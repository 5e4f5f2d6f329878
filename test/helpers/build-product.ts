/** Before the end-to-end tests: dist/ is built from the sources as they are, however the tests were started. */
import { setUp } from "../../scripts/setup.mjs";

export async function setup(): Promise<void> {
  await setUp({ withBuild: true });
}
