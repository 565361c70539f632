/*
 * The thread that counts tokens: it loads an encoding when it is first asked for it (some 40 MB each), and nothing else. Merging
 * byte pairs takes milliseconds for long texts, and must not hold up the thread that serves.
 */
import { parentPort } from 'node:worker_threads'
import type { CountMessage, CountReply } from './tokenizer.ts'

type Count = (text: string) => number

/** Each is a module of its own, which a bundle keeps apart. */
const ENCODINGS: ReadonlyMap<string, () => Promise<{ readonly countTokens: Count }>> = new Map([
  ['o200k_base', async () => await import('gpt-tokenizer/encoding/o200k_base')],
  ['cl100k_base', async () => await import('gpt-tokenizer/encoding/cl100k_base')],
])

const port = parentPort
if (port === null) throw new Error('this file is the entry of a thread')
port.on('message', (message: CountMessage) => {
  count(message).then(
    (tokens) => port.postMessage({ id: message.id, tokens } satisfies CountReply),
    // Who asked estimates instead; a text that cannot be encoded is no fault of the gateway's.
    () => port.postMessage({ id: message.id, tokens: null } satisfies CountReply),
  )
})

async function count({ encoding, texts }: CountMessage): Promise<number | null> {
  const load = ENCODINGS.get(encoding)
  if (load === undefined) return null
  const { countTokens } = await load()
  return texts.reduce((sum, text) => sum + countTokens(text), 0)
}
