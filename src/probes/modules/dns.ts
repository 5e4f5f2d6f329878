/** The look-up of the upstream's name alone. */
import { resolveHost } from "../connection.ts";
import type { Finding, Probe, ProbeContext } from "../probe.ts";

export const dns: Probe = {
  name: "dns",
  about: "the look-up of its name",
  costs: false,
  applies: () => true,
  run,
};

async function run({ upstream, signal, clock }: ProbeContext): Promise<Finding> {
  const began = clock.monotonic();
  await resolveHost(upstream, signal);
  return { phases: { dns: clock.monotonic() - began } };
}
