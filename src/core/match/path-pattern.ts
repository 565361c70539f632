/** The patterns of paths that a rule may have, compiled once. All of them see the canonical path, encoded as it is. */
import { canonicalPath } from './canonical-path.ts'
import { PathGlob } from './path-glob.ts'
import { PatternError } from './pattern-error.ts'
import type { RegexCompiler } from './regex-engine.ts'

/** A pattern as the configuration has it. */
export type PathPattern =
  /** This path and no other; `/a` and `/a/` are two. */
  | { readonly kind: 'exact'; readonly path: string }
  /** This path and everything beneath: `/api` and `/api/x`, not `/apix`. A slash at its end changes nothing. */
  | { readonly kind: 'prefix'; readonly path: string }
  /** `*` within a segment, `**` across segments; at the end both stand for everything beneath. */
  | { readonly kind: 'glob'; readonly pattern: string }
  /** RE2's syntax; it matches whole paths. */
  | { readonly kind: 'regex'; readonly pattern: string }

/** What a pattern took of a path, for placeholders. */
export interface PathCaptures {
  /** What follows a prefix: empty, or with its slash. What a final wildcard of a glob stands for. Else empty. */
  readonly rest: string
  /** Texts of wildcards or groups, in their order. */
  readonly groups: readonly string[]
  /** Texts of a regex's named groups. */
  readonly named: ReadonlyMap<string, string>
}

/** A pattern that can be asked. */
export interface CompiledPath {
  readonly kind: PathPattern['kind']
  /** The pattern in its canonical form. */
  readonly text: string
  /** What every path that matches begins with; for an exact path and a prefix, all of it. */
  readonly literalStart: string
  /** Characters that are no wildcard; 0 when it takes every path. */
  readonly literalLength: number
  matches(path: string): boolean
  /** What a path that matches gave. */
  captures(path: string): PathCaptures
}

const NO_NAMES: ReadonlyMap<string, string> = new Map()
/** What an exact path gives. */
export const NO_CAPTURES: PathCaptures = { rest: '', groups: [], named: NO_NAMES }

/** Compiles a pattern or throws a PatternError; `regex` is null where no engine was loaded. */
export function compilePath(pattern: PathPattern, regex: RegexCompiler | null): CompiledPath {
  switch (pattern.kind) {
    case 'exact':
      return exactPath(canonicalPattern(pattern.path))
    case 'prefix':
      return prefixPath(canonicalPattern(pattern.path))
    case 'glob':
      return globPath(pattern.pattern)
    case 'regex':
      if (regex === null) throw new Error('the engine for regular expressions was not loaded')
      return regexPath(pattern.pattern, regex)
  }
}

function exactPath(path: string): CompiledPath {
  return {
    kind: 'exact',
    text: path,
    literalStart: path,
    literalLength: path.length,
    matches: (asked) => asked === path,
    captures: () => NO_CAPTURES,
  }
}

function prefixPath(path: string): CompiledPath {
  const prefix = path.endsWith('/') ? path.slice(0, -1) : path
  return {
    kind: 'prefix',
    text: prefix,
    literalStart: prefix,
    literalLength: prefix.length,
    matches: (asked) => isBeneath(asked, prefix),
    captures: (asked) => ({ rest: asked.slice(prefix.length), groups: [], named: NO_NAMES }),
  }
}

function globPath(pattern: string): CompiledPath {
  if (!pattern.includes('*')) throw new PatternError(`the glob "${pattern}" has no "*"; write it as an exact path`)
  const canonical = canonicalPattern(pattern)
  const glob = new PathGlob(canonical)
  const hasRest = /\/\*{1,2}$/.test(canonical)
  return {
    kind: 'glob',
    text: canonical,
    literalStart: glob.literalStart,
    literalLength: glob.literalLength === 1 ? 0 : glob.literalLength,
    matches: (asked) => glob.matches(asked, null),
    captures(asked) {
      const spans: number[] = []
      if (!glob.matches(asked, spans)) return NO_CAPTURES
      const groups = Array.from({ length: spans.length / 2 }, (_, at) => asked.slice(spans[at * 2], spans[at * 2 + 1]))
      return { rest: hasRest ? (groups.at(-1) ?? '') : '', groups, named: NO_NAMES }
    },
  }
}

function regexPath(pattern: string, compile: RegexCompiler): CompiledPath {
  const regex = compile(pattern)
  const start = literalStartOf(pattern)
  return {
    kind: 'regex',
    text: pattern,
    literalStart: start,
    literalLength: 0,
    matches: (asked) => asked.startsWith(start) && regex.matches(asked),
    captures(asked) {
      const found = regex.groups(asked)
      return found === null ? NO_CAPTURES : { rest: '', groups: found.groups, named: found.named }
    },
  }
}

/** What every text that an expression matches begins with, as far as that is plain to see. */
function literalStartOf(pattern: string): string {
  if (pattern.includes('|')) return ''
  const [plain = ''] = /^[A-Za-z0-9/_~-]*/.exec(pattern) ?? []
  // A quantifier is about the last character alone.
  return /^[*+?{]/.test(pattern.slice(plain.length)) ? plain.slice(0, -1) : plain
}

/** True for the prefix itself and what is beneath it; the prefix has no slash at its end. */
function isBeneath(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f)
}

/** A pattern is written in the form that paths are brought to, so `/café` and `/caf%C3%A9` are one. */
function canonicalPattern(path: string): string {
  const encoded = path.replaceAll(/[^\0-\x7f]+/gu, encodeURIComponent)
  const canonical = canonicalPath(encoded, { segments: 'refuse', encodedSlash: 'allow', marks: 'allow' })
  if (typeof canonical === 'string') return canonical
  throw new PatternError(`"${path}" is no pattern of a path: ${canonical.message}`)
}
