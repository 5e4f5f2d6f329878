/** What users do with the `openai` package: pictures and sound. */
import { type OpenAI, toFile } from "openai";
import { openai } from "./openai.ts";
import { all, type Scenario } from "./scenario.ts";

const prompt = "a bell around a neck, 羊";
const picture = () => toFile(Buffer.from("picture"), "a.png", { type: "image/png" });
/** Two and a half seconds by the sandbox's rule. */
const sound = () => toFile(Buffer.alloc(40_000, "\r\n--sound\0é"), "a.mp3", { type: "audio/mpeg" });

async function spoken(client: OpenAI, request: OpenAI.Audio.SpeechCreateParams): Promise<unknown> {
  const response = await client.audio.speech.create(request);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { type: response.headers.get("content-type"), bytes: bytes.toString("base64") };
}

export const openaiMedia: readonly Scenario[] = [
  openai("makes pictures", (client) =>
    client.images.generate({ model: "gpt-image-1", prompt, n: 2, quality: "low", size: "1024x1536" }),
  ),
  openai("makes pictures that are priced apiece", (client) =>
    client.images.generate({ model: "dall-e-3", prompt, n: 2 }),
  ),
  openai("edits a picture", async (client) =>
    client.images.edit({ model: "gpt-image-1", image: await picture(), prompt }),
  ),
  openai("varies a picture", async (client) =>
    client.images.createVariation({ model: "dall-e-2", image: await picture(), n: 3 }),
  ),
  openai("streams a picture", (client) =>
    all(client.images.generate({ model: "gpt-image-1", prompt, stream: true, partial_images: 2 })),
  ),
  openai("speaks", (client) => spoken(client, { model: "tts-1", voice: "alloy", input: "bell 羊🐑 café" })),
  openai("streams speech", async (client) => {
    const request = {
      model: "gpt-4o-mini-tts",
      voice: "alloy",
      input: "bell 羊🐑",
      stream_format: "sse",
    } as const;
    return (await client.audio.speech.create(request)).text();
  }),
  openai("transcribes by the second", async (client) =>
    client.audio.transcriptions.create({ model: "whisper-1", file: await sound() }),
  ),
  openai("transcribes with timestamps", async (client) =>
    client.audio.transcriptions.create({
      model: "whisper-1",
      file: await sound(),
      response_format: "verbose_json",
      timestamp_granularities: ["segment"],
    }),
  ),
  openai("transcribes by the token", async (client) =>
    client.audio.transcriptions.create({ model: "gpt-4o-transcribe", file: await sound(), prompt: "羊" }),
  ),
  openai("streams a transcript", async (client) =>
    all(
      await client.audio.transcriptions.create({
        model: "gpt-4o-mini-transcribe",
        file: await sound(),
        stream: true,
      }),
    ),
  ),
  openai("translates", async (client) =>
    client.audio.translations.create({ model: "whisper-1", file: await sound() }),
  ),
  openai(
    "transcribes to subtitles",
    async (client) =>
      client.audio.transcriptions.create({ model: "whisper-1", file: await sound(), response_format: "vtt" }),
    { told: false },
  ),
];
