import { expect, test } from "vitest";
import type { languageNames } from "../config/defaults.ts";
import { languageOf } from "./language.ts";

const samples: Readonly<Record<(typeof languageNames)[number], readonly string[]>> = {
  en: ["What is the best way to learn this?", "Please write a function for me that can sort a list"],
  de: ["Wie kann ich das am besten lernen?", "Schreibe mir bitte eine Funktion, die nicht langsam ist"],
  fr: [
    "Quelle est la meilleure façon de faire cela pour vous ?",
    "Écris une lettre pour les clients avec des exemples",
  ],
  es: [
    "¿Cómo puedo aprender esto? No sé qué es una función",
    "Escribe una carta para los clientes con el precio",
  ],
  pt: [
    "Você pode me explicar o que é isso? Não sei como fazer",
    "Escreva uma carta para os clientes, mas não muito longa",
  ],
  it: ["Come posso fare questo? Non so che cosa è", "Scrivi una lettera per gli amici, ma non troppo lunga"],
  nl: [
    "Hoe kan ik dit het beste doen? Wat is het verschil",
    "Schrijf een brief voor mijn klanten met deze prijzen",
  ],
  pl: ["Jak to zrobić? Nie wiem, co to jest", "Napisz dla mnie list, proszę, ale nie za długi"],
  tr: ["Bu nasıl yapılır? Bir örnek için lütfen yardım et", "Müşteriler için bir mektup yaz, çok uzun değil"],
  vi: ["Bạn hãy viết cho tôi một bức thư", "Đây là gì và tôi có thể làm như thế nào"],
  id: ["Bagaimana saya bisa belajar ini dengan baik", "Tolong buat surat untuk pelanggan yang tidak panjang"],
  zh: ["请帮我写一封信", "用 Python 写一个 quicksort 函数并解释 partition 的作用"],
  ja: ["手紙を書いてください", "東京都の人口は何人ですか"],
  ko: ["편지를 써 주세요", "이 함수를 설명해 줘"],
  ru: ["Напиши мне письмо", "Как это работает?"],
  uk: ["Напиши мені листа, будь ласка", "Що це таке і як воно працює? Її"],
  ar: ["اكتب لي رسالة", "كيف يعمل هذا؟"],
  he: ["כתוב לי מכתב", "איך זה עובד?"],
  hi: ["मुझे एक पत्र लिखो", "यह कैसे काम करता है?"],
  th: ["เขียนจดหมายให้ฉัน", "สิ่งนี้ทำงานอย่างไร"],
  el: ["Γράψε μου ένα γράμμα", "Πώς λειτουργεί αυτό;"],
};

test.each(Object.entries(samples))("%s is told", (language, texts) => {
  for (const text of texts) expect(languageOf(text), text).toBe(language);
});

test.each(["", "42", "ok", "x = y + 1;", "{}", "Photosynthesis", "!!!", "const a = [1, 2, 3].map(String)"])(
  "what is in no language is not told: %s",
  (text) => {
    expect(languageOf(text)).toBeUndefined();
  },
);
