/** An upstream's address: which forms are accepted, and the two URLs that paths are put behind. */

export interface BaseUrls {
  /** `/v1/x` goes to `baseUrl/x`. */
  readonly baseUrl: string;
  /** `/v1beta/x` goes to `rootUrl/v1beta/x`. */
  readonly rootUrl: string;
}

export interface UrlFault {
  /** Completes "the base URL …". */
  readonly fault: string;
  readonly fix: string;
}

const VERSION = /\/v\d+(?:beta\d*|alpha\d*)?$/;
const ENDPOINT =
  /\/(?:chat\/completions|completions|responses|embeddings|messages|models|images\/\w+|audio\/\w+)$/;

/** Reads a base URL as a user writes it. The fault never quotes it: it may hold a password. */
export function parseBaseUrl(text: string): BaseUrls | UrlFault {
  if (text === "") return { fault: "is empty", fix: "Write it as https://relay.example/v1, or remove it." };
  if (/\s/.test(text)) return { fault: "contains white space", fix: "Remove the white space." };
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    return {
      fault: "is not an http or https URL",
      fix: "Write it with its scheme, as https://relay.example/v1.",
    };
  }
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    return { fault: "contains a user or password", fix: "Remove it, and give the key as `apiKey`." };
  }
  if (/[?#]/.test(text)) {
    return {
      fault: "contains a query or fragment",
      fix: "Remove everything from the `?` or `#`; further headers go under `headers`.",
    };
  }
  const path = url.pathname.replace(/\/+$/, "");
  const endpoint = ENDPOINT.exec(path)?.[0];
  if (endpoint !== undefined) {
    return { fault: `is an endpoint, not a base`, fix: `Remove \`${endpoint}\` from its end.` };
  }
  const baseUrl = url.origin + (path === "" ? "/v1" : path);
  return { baseUrl, rootUrl: baseUrl.replace(VERSION, "") };
}
