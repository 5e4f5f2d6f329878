/** What a shell completes, asked of a real bash. */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { describeWithProgram } from "../helpers/system-program.ts";

const COMMAND = new URL("../../bin/bellwether.js", import.meta.url).pathname;

/** What is offered for the last of the words. */
const ASK = `
  source <("$NODE" "$COMMAND" completion bash)
  COMP_WORDS=(bellwether "$@") COMP_CWORD=$#
  _bellwether
  printf '%s\\n' "\${COMPREPLY[@]}"
`;

describeWithProgram("bash", "completion", (bash) => {
  const offered = (...words: string[]): string[] =>
    execFileSync(bash, ["-c", ASK, "bash", ...words], {
      encoding: "utf8",
      env: { ...process.env, NODE: process.execPath, COMMAND },
    })
      .trim()
      .split("\n");

  it("offers commands, and theirs", () => {
    expect(offered("s")).toEqual(["serve", "stack", "sandbox", "scenarios"]);
    expect(offered("prices", "ex")).toEqual(["explain"]);
    expect(offered("-c", "x.yaml", "alerts", "si")).toEqual(["silence", "silences"]);
  });

  it("offers options, and their values", () => {
    expect(offered("prices", "explain", "gpt-4.1", "--inp")).toEqual(["--input"]);
    expect(offered("stack", "--target", "k")).toEqual(["kubernetes"]);
  });

  it("offers values of arguments, and files everywhere else", () => {
    expect(offered("completion", "")).toEqual(["bash", "zsh"]);
    expect(offered("serve", "--config", "package.j")).toEqual(["package.json"]);
  });
});
