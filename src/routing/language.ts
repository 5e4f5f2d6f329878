/**
 * Tells in which language a text is: by its script, or, of those that are written in Latin letters, by their
 * commonest words. Meant for choosing a model, so it would rather not know than be wrong.
 */
import type { languageNames } from "../config/defaults.ts";

export type Language = (typeof languageNames)[number];

/** Characters that are looked at. */
const LOOKED_AT = 2_000;
/** So much of the letters has to be of one script. */
const MOST = 0.4;

/** Ranges of UTF-16 units, first to last. Kana and letters that only one language has decide before Han and Cyrillic do. */
const SCRIPTS: readonly (readonly [Language, number, number])[] = [
  ["ko", 0xac00, 0xd7af],
  ["ko", 0x1100, 0x11ff],
  ["ja", 0x3040, 0x30ff],
  ["zh", 0x3400, 0x9fff],
  ["ru", 0x0400, 0x04ff],
  ["ar", 0x0600, 0x06ff],
  ["he", 0x0590, 0x05ff],
  ["hi", 0x0900, 0x097f],
  ["th", 0x0e00, 0x0e7f],
  ["el", 0x0370, 0x03ff],
];

/** The commonest words that the other languages here do not share, or seldom. */
const WORDS: Readonly<Record<string, string>> = {
  en: "the and is are of to you that this with what how please can my for from write it in was be have not does explain",
  de: "der die das und ist nicht ein eine ich sie mit für auf den dem von zu wie bitte kannst mir wir auch wenn was schreibe",
  fr: "le la les et est une des du que qui pour dans pas vous je sur avec comment moi cette ce plus mon peux pouvez",
  es: "el los las y es una que en por para con como no se mi del cómo qué puedes más está pero sobre este esta",
  pt: "o os as e é uma que em por para com como não se meu do da você pode mais está mas sobre este isso são",
  it: "il lo gli e è una che di per con come non mi del della puoi più sono ma questo questa cosa nel scrivi",
  nl: "de het een en is niet ik je dat van met voor op hoe kun wat zijn mijn deze maar ook naar bij schrijf",
  pl: "i w nie na się jest to że z jak do czy co mi dla proszę jestem być może ale przez moje napisz",
  tr: "ve bir bu için ne nasıl ben de da mi mı ile çok var olarak daha benim lütfen olan değil gibi",
  vi: "là và của có không cho tôi một các này với được trong người như thế bạn hãy những để viết",
  id: "yang dan di untuk dengan ini itu tidak saya apa adalah dari ke bagaimana bisa kamu anda akan tolong buat",
};

const LANGUAGES_OF_WORD = new Map<string, Language[]>();
for (const [language, words] of Object.entries(WORDS)) {
  for (const word of words.split(" ")) {
    LANGUAGES_OF_WORD.set(word, [...(LANGUAGES_OF_WORD.get(word) ?? []), language as Language]);
  }
}

/** The language, or undefined where it is not clear. */
export function languageOf(text: string): Language | undefined {
  const looked = text.slice(0, LOOKED_AT);
  return byScript(looked) ?? byWords(looked);
}

function byScript(text: string): Language | undefined {
  const counts = new Map<Language, number>();
  let letters = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x41) continue;
    letters++;
    if (code < 0x370) continue;
    const script = SCRIPTS.find(([, first, last]) => code >= first && code <= last)?.[0];
    if (script !== undefined) counts.set(script, (counts.get(script) ?? 0) + 1);
  }
  const kana = counts.get("ja") ?? 0;
  const han = counts.get("zh") ?? 0;
  // Japanese mixes kana with Han; a few kana in a Chinese text are a quotation.
  if (kana > 0 && kana >= han / 10) counts.set("ja", kana + han);
  const [language, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best), ["zh", 0]);
  // A Han character says as much as several letters: source code among Chinese words is still a Chinese prompt.
  const weight = language === "zh" || language === "ja" ? 3 : 1;
  if (count === 0 || count * weight < MOST * (letters + count * (weight - 1))) return undefined;
  return language === "ru" && /[іїєґІЇЄҐ]/.test(text) ? "uk" : (language as Language);
}

function byWords(text: string): Language | undefined {
  const points = new Map<Language, number>();
  for (const word of text.toLowerCase().split(/[^\p{L}\p{M}]+/u)) {
    const languages = LANGUAGES_OF_WORD.get(word) ?? [];
    for (const language of languages)
      points.set(language, (points.get(language) ?? 0) + 1 / languages.length);
  }
  const ranked = [...points].sort((a, b) => b[1] - a[1]);
  const [best, second] = ranked;
  // Two words of its own, and clearly more than the next.
  return best !== undefined && best[1] >= 1.5 && best[1] >= 1.5 * (second?.[1] ?? 0) ? best[0] : undefined;
}
