/**
 * Names of members by which a request has a vendor take input that lies there: files, caches of contexts, items and prompts that are stored. Turns
 * before, which are named by an answer or a conversation, are looked up instead. A text that holds such a name has its quotes escaped.
 */
const NAMES = [
  '"file_id"',
  '"file_uri"',
  '"fileUri"',
  '"cachedContent"',
  '"cached_content"',
  '"item_reference"',
  '"pmpt_',
].map((name) => Buffer.from(name))

/** Whether a body names input that it does not hold. */
export function namesStoredInput(body: Buffer): boolean {
  return NAMES.some((name) => body.includes(name))
}
