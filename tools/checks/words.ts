import type { Finding } from '../finding.ts'
import { isTestFile, isTypeScript, type SourceFile } from '../source-files.ts'
import { lineAt, splitSource } from '../source-text.ts'

const VENDOR_WORDS = [
  'openai',
  'anthropic',
  'gemini',
  'claude',
  'gpt',
  'mistral',
  'groq',
  'cohere',
  'deepseek',
  'bedrock',
  'ollama',
  'openrouter',
]
const AI_WORDS = ['llm', 'mcp', 'prompt', 'model', 'tool', 'embedding', ...VENDOR_WORDS]

/**
 * Where a vendor may be named in code; everywhere else the code goes by what a provider's row says. `src/ai/relay` and
 * `src/ai/conversation` still hold one vendor's dialect, and a configuration document names kinds of providers, so its schema does.
 */
const VENDOR_PLACES = [
  'src/ai/providers/',
  'src/ai/dialects/',
  'src/ai/conversation/',
  'src/ai/relay/',
  'src/ai/operations/',
  'src/ai/surfaces/',
  // The package that knows public encodings is named after a family of models.
  'src/ai/tokens/tokenizer-worker.ts',
  'src/config/',
]

/** Finds words of AI in `src/core`, comments included: the core is an HTTP gateway that has never heard of it. */
export function checkCoreWords(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter(({ file }) => file.startsWith('src/core/'))
    .flatMap(({ file, text }) => [
      ...find(file, file, AI_WORDS).map((finding) => ({ ...finding, line: 0 })),
      ...find(file, text, AI_WORDS),
    ])
    .map(({ file, line, word }) => ({
      file,
      line,
      what: `the word "${word}" in src/core`,
      remedy: 'say what it is to an HTTP gateway, or move it to the module that knows it',
    }))
}

/** Finds vendors' names in code and strings outside their rows and dialects; comments may cite a vendor's document. */
export function checkVendorWords(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter(({ file }) => file.startsWith('src/') && isTypeScript(file) && !isTestFile(file))
    .filter(({ file }) => !VENDOR_PLACES.some((place) => file.startsWith(place)))
    .flatMap(({ file, text }) => {
      const { comments } = splitSource(text)
      const spoken = text.replace(/[^\s]/g, (char, offset: number) => (comments[offset] === ' ' ? char : ' '))
      return find(file, spoken, VENDOR_WORDS)
    })
    .map(({ file, line, word }) => ({
      file,
      line,
      what: `the vendor's name "${word}" outside ${VENDOR_PLACES.join(', ')}`,
      remedy: "put the difference into the provider's row or the dialect, and read it from there",
    }))
}

/** Identifiers are taken apart at capitals and underscores, so that `servedModel` contains "model" and "remodel" not. */
function find(file: string, text: string, words: readonly string[]) {
  const found: { file: string; line: number; word: string }[] = []
  for (const match of text.matchAll(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g)) {
    const part = match[0].toLowerCase()
    // "OpenAI" is taken apart into "Open" and "AI".
    const joined = part === 'open' && /^AI(?![a-z])/.test(text.slice(match.index + 4)) ? 'openai' : part
    const word = words.find((candidate) => joined === candidate || joined === `${candidate}s`)
    if (word !== undefined) found.push({ file, line: lineAt(text, match.index), word })
  }
  return found
}
