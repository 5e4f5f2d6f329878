/** The page's languages, and the one in use. A language is one file of messages and one line here. */
import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Shown, valuesIn } from "../show/values.ts";
import { remember, remembered } from "../state/preferences.ts";
import { store, useStore } from "../state/store.ts";
import type { MessageKey, Messages } from "./en.ts";

export type { MessageKey } from "./en.ts";

interface Language {
  /** In the language itself. */
  readonly name: string;
  load(): Promise<Messages>;
}

export const LANGUAGES = {
  en: { name: "English", load: async () => (await import("./en.ts")).en },
  "zh-CN": { name: "简体中文", load: async () => (await import("./zh.ts")).zh },
  de: { name: "Deutsch", load: async () => (await import("./de.ts")).de },
  vi: { name: "Tiếng Việt", load: async () => (await import("./vi.ts")).vi },
} as const satisfies Readonly<Record<string, Language>>;

export type LanguageName = keyof typeof LANGUAGES;

export type Translate = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string;

/** Everything that depends on the language. */
export interface Speech {
  readonly language: LanguageName;
  readonly t: Translate;
  readonly show: Shown;
}

const spoken = store<Speech | undefined>(undefined);
const Spoken = createContext<Speech | undefined>(undefined);

/** Draws its children in the language in use, nothing before it is loaded. */
export function Speaking({ children }: { readonly children: ComponentChildren }) {
  const speech = useStore(spoken);
  if (speech === undefined) return null;
  return <Spoken.Provider value={speech}>{children}</Spoken.Provider>;
}

export function useSpeech(): Speech {
  const speech = useContext(Spoken);
  if (speech === undefined) throw new Error("there is no language outside of Speaking");
  return speech;
}

export async function speak(language: LanguageName): Promise<void> {
  const messages = await LANGUAGES[language].load();
  document.documentElement.lang = language;
  spoken.set({ language, t: (key, values) => filled(messages[key], values), show: valuesIn(language) });
}

export async function chooseLanguage(language: LanguageName): Promise<void> {
  remember("language", language);
  await speak(language);
}

/** The language chosen before, else the first of the reader's that there is, else English. */
export function preferredLanguage(): LanguageName {
  const names = Object.keys(LANGUAGES) as LanguageName[];
  for (const wanted of [remembered("language") ?? "", ...navigator.languages]) {
    const base = wanted.split("-", 1)[0];
    const found =
      names.find((name) => name === wanted) ?? names.find((name) => name.split("-", 1)[0] === base);
    if (found !== undefined) return found;
  }
  return "en";
}

/** The text with `{name}` replaced. */
export function filled(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
