/** Input tokens for one picture, and the least for a recording, a film or a file. */
export const MEDIA_TOKENS = 2_000

/**
 * Characters of base64 that become a token at most, by the first pattern that fits the type. Gemini counts 32 tokens a second of sound and
 * some 300 of film ("Understand and count tokens", 2026-11), and others fewer: sound has 16,000 bytes a second or more where it is not
 * compressed, else as a rule 4,000 (32 kbit/s), and film 30,000. A page of a PDF file is up to 3,000 tokens of text and 1,600 of picture
 * (Anthropic, "PDF support"), and seldom less than 50 kB; one of text alone may be smaller.
 */
const BASE64_PER_TOKEN: readonly (readonly [type: RegExp, characters: number])[] = [
  [/^audio\\?\/(?:(?:x-)?wave?|l16|pcm|pcm16|basic|aiff)\b/i, 666],
  [/^audio/i, 166],
  [/^video/i, 133],
  [/^application\\?\/pdf/i, 16],
]

/** Tokens that so much base64 of a type may become. What lies elsewhere has no bytes here, and counts as a picture. */
export function mediaTokens(type: string, base64: number): number {
  const per = BASE64_PER_TOKEN.find(([pattern]) => pattern.test(type))?.[1]
  return per === undefined ? MEDIA_TOKENS : Math.max(MEDIA_TOKENS, Math.ceil(base64 / per))
}
