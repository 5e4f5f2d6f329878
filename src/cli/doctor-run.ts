/** The work of `bellwether doctor`. */
import { environment } from "../config/environment.ts";
import { ConfigError, formatProblem } from "../config/problems.ts";
import { safetyProblems } from "../config/safety.ts";
import { openProbeSession, type ProbeSession } from "../probe-session.ts";
import { type Ailment, ailments, checks } from "../probes/doctor/ailments.ts";
import { examine, type Symptom } from "../probes/doctor/examine.ts";
import { lookAtPort, lookAtPrometheus, lookAtVariables } from "../probes/doctor/surroundings.ts";
import { probePlan } from "../probing.ts";
import { styler } from "./style.ts";

export interface DoctorOptions {
  readonly file: string | undefined;
  readonly json: boolean;
  readonly prometheus: string | undefined;
}

/** Looks, tells as it goes, and returns the exit status. */
export async function runDoctor(options: DoctorOptions): Promise<number> {
  const all: Symptom[] = [];
  const tell = teller(options.json);
  for await (const found of look(options)) {
    all.push(...found);
    tell(found);
  }
  const errors = all.filter(({ ailment }) => severityOf(ailment) === "error").length;
  const warnings = all.filter(({ ailment }) => severityOf(ailment) === "warning").length;
  if (options.json) {
    const findings = all.map(asJson);
    process.stdout.write(`${JSON.stringify({ ok: errors === 0, errors, warnings, findings }, null, 2)}\n`);
  } else process.stdout.write(`\n${verdict(errors, warnings)}\n`);
  return errors > 0 ? 1 : 0;
}

/** What is found, as it is found. */
async function* look({ file, prometheus }: DoctorOptions): AsyncGenerator<Symptom[]> {
  const env = environment();
  const warnings: string[] = [];
  let session: ProbeSession | undefined;
  try {
    session = await openProbeSession(file, env, (message) => warnings.push(message));
    const { loaded } = session.inForce;
    warnings.push(...loaded.warnings);
    const problems = safetyProblems(loaded);
    yield configuration(problems.map(formatProblem), warnings, loaded.file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield configuration(error.problems.map(formatProblem), warnings, undefined);
  }
  const upstreams = session?.inForce.upstreams ?? [];
  const proxied = upstreams.length > 0 && upstreams.every(({ proxy }) => proxy !== undefined);
  yield lookAtVariables(env, proxied);
  if (session !== undefined) {
    if (upstreams.length === 0) {
      yield [{ check: "configuration", ailment: "no_upstream", about: "", detail: "nothing to call" }];
    }
    yield* patients(session);
    const { host, port } = session.inForce.loaded.config.server;
    yield [await lookAtPort(host, port)];
    await session.close();
  }
  if (prometheus !== undefined) yield await lookAtPrometheus(prometheus);
}

async function* patients({ inForce, probes }: ProbeSession): AsyncGenerator<Symptom[]> {
  const { passthrough, models } = probePlan(inForce, "none");
  const examinations = inForce.upstreams.map((upstream) =>
    examine({
      upstream,
      service: probes,
      prices: inForce.settings.prices,
      models: models.get(upstream.name) ?? [],
      passthrough,
      now: Date.now(),
    }),
  );
  for (const examination of examinations) yield await examination;
}

function configuration(
  problems: readonly string[],
  warnings: readonly string[],
  file: string | undefined,
): Symptom[] {
  const make = (ailment: Symptom["ailment"], detail: string): Symptom => ({
    check: "configuration",
    ailment,
    about: "",
    detail,
  });
  const found = [
    ...problems.map((detail) => make("configuration_refused", detail)),
    ...warnings.map((detail) => make("configuration_warning", detail)),
  ];
  return problems.length > 0 ? found : [make(undefined, file ?? "from the environment"), ...found];
}

function severityOf(name: Symptom["ailment"]): Ailment["severity"] | undefined {
  return name === undefined ? undefined : ailments[name].severity;
}

function teller(json: boolean): (found: readonly Symptom[]) => void {
  if (json) return () => undefined;
  const paint = styler(process.stdout);
  const marks = { error: paint("red", "[error]"), warning: paint("yellow", "[warn] ") };
  return (found) => {
    for (const { ailment, check, about, detail } of found) {
      const subject = `${about === "" ? "" : `${about}: `}${checks[check].toLowerCase()}`;
      if (ailment === undefined) {
        process.stdout.write(`${paint("green", "[ok]   ")} ${subject}: ${detail}\n`);
        continue;
      }
      const { wrong, fix, severity } = ailments[ailment];
      process.stdout.write(`${marks[severity]} ${subject}: ${paint("bold", wrong)}\n`);
      process.stdout.write(`          ${detail.replaceAll("\n", "\n          ")}\n        → ${fix}\n`);
    }
  };
}

function verdict(errors: number, warnings: number): string {
  const paint = styler(process.stdout);
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
  if (errors > 0) return paint("red", `${count(errors, "error")}, ${count(warnings, "warning")}.`);
  return paint(
    "green",
    warnings > 0 ? `Nothing is wrong; ${count(warnings, "warning")}.` : "Nothing is wrong.",
  );
}

function asJson({ ailment, check, about, detail }: Symptom) {
  const known = ailment === undefined ? undefined : ailments[ailment];
  return {
    ok: known === undefined,
    check,
    upstream: about === "" ? null : about,
    ailment: ailment ?? null,
    severity: known?.severity ?? null,
    wrong: known?.wrong ?? null,
    detail,
    fix: known?.fix ?? null,
  };
}
