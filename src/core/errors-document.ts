/** Writes docs/errors.md from the error catalogue. */
import { errorCatalogue } from "./errors.ts";

/** The whole document as Markdown. */
export function errorsDocument(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, entry]) => `| \`${code}\` | ${entry.status} | \`${entry.type}\` | ${cell(entry.message)} |`,
  );
  return `${HEAD}\n${rows.join("\n")}\n`;
}

/** A pipe would end the cell. */
function cell(message: string): string {
  return message.replaceAll("|", "\\|");
}

const HEAD = `<!-- Generated from src/core/errors.ts; rewrite it with \`UPDATE_DOCS=1 npx vitest run src/core/errors-document.test.ts\`. -->
# Errors

Every error that Bellwether itself answers with. Errors of an upstream pass through unchanged.

\`code\` is stable: branch on it, not on the message. \`type\` is the \`type\` label of
\`bellwether_errors_total\`. A word in braces stands for a detail, such as the name of the upstream.

The answer has the shape of the API that the client speaks, so that its SDK raises what it always does:

| API | body | where \`code\` is |
|---|---|---|
| OpenAI | \`{"error": {"message", "type", "param", "code"}}\` | \`error.code\` |
| Anthropic | \`{"type": "error", "error": {"type", "message", "details"}, "request_id"}\` | \`error.details.error_code\` |
| Gemini | \`{"error": {"code", "message", "status", "details"}}\` | \`error.details[0].reason\`, in upper case |

When a stream has already begun, the same JSON is sent as its last event.

| code | HTTP status | type | message |
|---|---|---|---|`;
