import { readFileSync } from 'node:fs'
import type { DocumentProblem } from '../../config/index.ts'
import { readKeys } from './token-verifier.ts'

/** What is wrong with a file of keys, said of the member at `path` that names it; nothing when it can be used. */
export async function keySetFileProblems(file: string, path: DocumentProblem['path']): Promise<DocumentProblem[]> {
  try {
    await readKeys(readFileSync(file, 'utf8'))
    return []
  } catch {
    // Unreadable or no JSON: the message names the file, and says what belongs there.
    return [{ path, message: `${file} holds no key set (RFC 7517): expected JSON with \`keys\`` }]
  }
}
