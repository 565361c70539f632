import type { Finding } from '../finding.ts'
import type { SourceFile } from '../source-files.ts'
import { lineAt } from '../source-text.ts'

const PATTERNS: readonly { readonly pattern: RegExp; readonly what: string; readonly remedy: string }[] = [
  {
    pattern: /(?<![\w.])\/(?:work|home|root|Users)\/[\w.-]/g,
    what: 'a path of one machine',
    remedy: 'make it relative to the repository, or to a temporary folder',
  },
  {
    pattern: /\bregistry\.(?:npmjs|yarnpkg)\.\w+|\bdeb\.debian\.org/g,
    what: "a package registry's host name",
    remedy: 'leave the choice of registry to the settings of the machine',
  },
  {
    pattern:
      /\bsk-(?:proj-|ant-|live-)?[A-Za-z0-9_]{40,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}|\bAIza[\w-]{35}\b/g,
    what: 'what looks like a real credential',
    remedy: 'revoke it if it was real; samples are short and say that they are samples',
  },
  {
    pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/g,
    what: 'a private key',
    remedy: 'make it when the test runs',
  },
]

/** Finds what must not be in a public repository: paths of one machine, registry hosts, credentials, private keys. */
export function checkLeaks(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter(({ file }) => file !== 'package-lock.json')
    .flatMap(({ file, text }) =>
      PATTERNS.flatMap(({ pattern, what, remedy }) =>
        [...text.matchAll(pattern)].map(({ index }) => ({ file, line: lineAt(text, index), what, remedy })),
      ),
    )
}
