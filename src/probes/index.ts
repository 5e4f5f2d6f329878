/** The table of probes: adding one is a file in modules/ and its line here (and its name in config/defaults.ts). */
import { balance } from "./modules/balance.ts";
import { chat } from "./modules/chat.ts";
import { dns } from "./modules/dns.ts";
import { embeddings } from "./modules/embeddings.ts";
import { images } from "./modules/images.ts";
import { models } from "./modules/models.ts";
import { tls } from "./modules/tls.ts";
import type { Probe, ProbeName } from "./probe.ts";

export const probes: Readonly<Record<ProbeName, Probe>> = {
  models,
  chat,
  embeddings,
  images,
  balance,
  tls,
  dns,
};

/** The probe of that name, if there is one. */
export function probeNamed(name: string): Probe | undefined {
  return Object.hasOwn(probes, name) ? probes[name as ProbeName] : undefined;
}
