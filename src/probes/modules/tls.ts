/** A fresh connection: the time of each step, and how long the certificate is good for. */
import type { Finding, Probe, ProbeContext } from "../probe.ts";

export const tls: Probe = {
  name: "tls",
  about: "a fresh connection: look-up, connect, TLS handshake, certificate",
  costs: false,
  applies: () => true,
  run,
};

async function run({ connect }: ProbeContext): Promise<Finding> {
  const { dnsMs, connectMs, tlsMs, certificateExpiresAt } = await connect();
  return {
    phases: { dns: dnsMs, connect: connectMs, ...(tlsMs === undefined ? {} : { tls: tlsMs }) },
    ...(certificateExpiresAt === undefined ? {} : { certificateExpiresAt }),
  };
}
