/** `bellwether completion`: a script that lets a shell complete commands, options and file names. */
import { Argument, Command, type Option } from "commander";

/** What a shell may offer after the commands of a path. */
interface Place {
  /** The commands that lead there: "" for the program itself, or `prices explain`. */
  readonly path: string;
  readonly commands: readonly string[];
  /** What an argument may be, where that is one of a few values. */
  readonly words: readonly string[];
  readonly options: readonly string[];
  /** Options that take one of a few values. */
  readonly choices: readonly { readonly flags: readonly string[]; readonly values: readonly string[] }[];
}

export function completionCommand(program: Command): Command {
  return new Command("completion")
    .description("Print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "for which shell").choices(["bash", "zsh"]))
    .addHelpText(
      "after",
      `
Examples:
  source <(bellwether completion bash)     # now; into ~/.bashrc for always
  source <(bellwether completion zsh)      # now; into ~/.zshrc, after compinit, for always`,
    )
    .action((shell: string) => {
      process.stdout.write(completionScript(program, shell === "zsh"));
    });
}

/** The script, which zsh runs by means of its own imitation of bash. */
export function completionScript(program: Command, forZsh: boolean): string {
  const name = program.name();
  const places = placesOf(program, "");
  const cases = places.map(
    ({ path, commands, words, options }) =>
      `    ${quoted(path)}) commands=${quoted(commands.join(" "))} words=${quoted(words.join(" "))} options=${quoted(options.join(" "))} ;;`,
  );
  const values = places.flatMap(({ path, choices }) =>
    choices.flatMap(({ flags, values: all }) =>
      flags.map((flag) => `    ${quoted(`${path} ${flag}`)}) values=${quoted(all.join(" "))} ;;`),
    ),
  );
  return `# Completion of ${name} for ${forZsh ? "zsh" : "bash"}: source <(${name} completion ${forZsh ? "zsh" : "bash"})
${forZsh ? "autoload -U +X bashcompinit && bashcompinit\n" : ""}_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local commands words options values="" place="" at
  _${name}_place ""
  for ((at = 1; at < COMP_CWORD; at++)); do
    case " $commands " in
      *" \${COMP_WORDS[at]} "*)
        place=\${place:+$place }\${COMP_WORDS[at]}
        _${name}_place "$place"
        ;;
    esac
  done
  case "$place $before" in
${values.join("\n")}
  esac
  if [[ -n $values ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ -n $commands$words && $before != -* ]]; then
    COMPREPLY=($(compgen -W "$commands $words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
_${name}_place() {
  case "$1" in
${cases.join("\n")}
  esac
}
complete -o filenames -F _${name} ${name}
`;
}

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const options = help.visibleOptions(command);
  const own: Place = {
    path,
    commands: commands.map((each) => each.name()),
    words: help.visibleArguments(command).flatMap(({ argChoices }) => argChoices ?? []),
    options: options.flatMap(flagsOf),
    choices: options.flatMap((option) =>
      option.argChoices === undefined ? [] : [{ flags: flagsOf(option), values: option.argChoices }],
    ),
  };
  const below = commands.filter((each) => each.name() !== "help");
  return [own, ...below.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim()))];
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
