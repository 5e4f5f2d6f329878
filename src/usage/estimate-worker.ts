/** The thread that counts tokens for estimate-thread.ts: takes questions, sends answers, one after another. */
import { parentPort } from "node:worker_threads";
import { countTokens } from "./tokenizer.ts";

export interface Question {
  readonly id: number;
  readonly text: string;
  readonly model: string;
}

/** `tokens` is undefined when the text could not be counted. */
export interface Answer {
  readonly id: number;
  readonly tokens: number | undefined;
}

parentPort?.on("message", (question: Question) => {
  countTokens(question.text, question.model).then(
    (tokens) => answer(question.id, tokens),
    () => answer(question.id, undefined),
  );
});

function answer(id: number, tokens: number | undefined): void {
  parentPort?.postMessage({ id, tokens } satisfies Answer);
}
