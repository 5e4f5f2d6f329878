/**
 * What a profile is: a table that says, for each metric of an existing dashboard, which kept metric it
 * comes from and how its labels are named. Profiles are data; view.ts is the one engine that reads them.
 */
import type { FamilyType } from "../family.ts";

/** How the value of one output label comes about. */
export type LabelRule =
  /** The value of the kept label of this name. */
  | string
  /** Always this value. */
  | { readonly value: string }
  /** A property of the upstream that the kept `upstream` label names. */
  | { readonly upstream: keyof UpstreamIdentity }
  /**
   * The kept label `from`, translated; a value that `map` lacks stays as it is. `{name}` in a translation
   * stands for the value of that kept label.
   */
  | { readonly from: string; readonly map: Readonly<Record<string, string>> };

/** One kept metric that flows into an output metric. Labels that `labels` does not use are summed away. */
export interface Input {
  readonly from: string;
  readonly labels: Readonly<Record<string, LabelRule>>;
  /** Only series with one of these values of a kept label. */
  readonly where?: Readonly<Record<string, readonly string[]>>;
}

export interface Mapping {
  readonly to: string;
  readonly type: FamilyType;
  readonly help: string;
  /** All have the same output labels. A metric none of whose inputs is kept yet is left out. */
  readonly inputs: readonly Input[];
  /** Histograms only, in the output's unit. Counted exactly: they are kept from the first observation. */
  readonly bounds?: readonly number[];
  /** Output units per kept unit. */
  readonly scale?: number;
  /** How series that fall together are combined; `sum` unless given. */
  readonly combine?: "sum" | "max";
  /** For the documentation: why the type or the mapping is as it is. */
  readonly note?: string;
}

export interface Profile {
  readonly name: string;
  readonly about: string;
  readonly metrics: readonly Mapping[];
  /** The metrics of the process and of Node.js belong to it. */
  readonly process?: true;
}

/** What profiles tell of an upstream besides its name. */
export interface UpstreamIdentity {
  /** The preset's name, else the upstream's. */
  readonly provider: string;
  /** Host name of its base URL. */
  readonly address: string;
}
