/**
 * SVG to PNG, with resvg compiled to WebAssembly: one small package for every platform. Text is drawn with Inter,
 * so that a machine without fonts will do, and with a Chinese, Japanese or Korean font of the system where one is.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { woffToSfnt } from "./woff.ts";

const FONTS = ["latin-400", "latin-600", "latin-ext-400", "vietnamese-400", "cyrillic-400", "greek-400"];

/** Where systems keep a font with Chinese characters; the first that is there is used. */
const CJK_FONTS = [
  "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
  "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
  "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
  "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
  "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
  "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
  "/System/Library/Fonts/PingFang.ttc",
  "/System/Library/Fonts/Hiragino Sans GB.ttc",
  "C:\\Windows\\Fonts\\msyh.ttc",
  "C:\\Windows\\Fonts\\simhei.ttf",
];

/** Twice the size, for screens with small pixels. */
const ZOOM = 2;

let ready: Promise<typeof import("@resvg/resvg-wasm")> | undefined;

/** @throws Error when the optional package is not installed. */
export async function pngOf(svg: string): Promise<Uint8Array> {
  ready ??= load();
  const { Resvg } = await ready;
  const fontBuffers = fonts();
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: ZOOM },
    font: { fontBuffers, defaultFontFamily: "Inter", sansSerifFamily: "Inter" },
  });
  try {
    const image = drawing.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    drawing.free();
  }
}

async function load(): Promise<typeof import("@resvg/resvg-wasm")> {
  try {
    const resvg = await import("@resvg/resvg-wasm");
    const wasm = createRequire(import.meta.url).resolve("@resvg/resvg-wasm/index_bg.wasm");
    await resvg.initWasm(readFileSync(wasm));
    return resvg;
  } catch (error) {
    throw new Error(
      `pictures need the package @resvg/resvg-wasm, which could not be loaded (${(error as Error).message.split("\n")[0]}); \`npm install @resvg/resvg-wasm\` adds it, and --html needs nothing`,
      { cause: error },
    );
  }
}

function fonts(): Uint8Array[] {
  const require = createRequire(import.meta.url);
  const inter = FONTS.map((name) =>
    woffToSfnt(readFileSync(require.resolve(`@fontsource/inter/files/inter-${name}-normal.woff`))),
  );
  const cjk = CJK_FONTS.find((path) => existsSync(path));
  return cjk === undefined ? inter : [...inter, readFileSync(cjk)];
}
