/** Which of two rules that both match serves a request; docs/routing.md states the same for people. */
import type { CompiledRule } from './compiled-rule.ts'

const EXACT_HOST = 1000 // no suffix is as long

/** Orders rules: negative when `a` goes first. No two rules are equal. */
export function compareRules(a: CompiledRule<unknown>, b: CompiledRule<unknown>): number {
  return (
    b.priority - a.priority ||
    hostWeight(b) - hostWeight(a) ||
    pathClass(b) - pathClass(a) ||
    literalStart(b) - literalStart(a) ||
    literalLength(b) - literalLength(a) ||
    b.conditionCount - a.conditionCount ||
    a.index - b.index ||
    a.part - b.part
  )
}

/** Exact, then the longer wildcard, then none. */
function hostWeight({ host }: CompiledRule<unknown>): number {
  if (host === null) return 0
  return host.kind === 'exact' ? EXACT_HOST : host.suffix.length
}

/** Exact, then what has a literal part, then regular expressions, then what takes every path. */
function pathClass({ path }: CompiledRule<unknown>): number {
  if (path === null) return 0
  if (path.kind === 'exact') return 3
  if (path.kind === 'regex') return 1
  return path.literalLength === 0 ? 0 : 2
}

/** Exact paths of one request are equally long, so their length says nothing. */
function literalStart(rule: CompiledRule<unknown>): number {
  return pathClass(rule) === 2 ? (rule.path?.literalStart.length ?? 0) : 0
}

function literalLength(rule: CompiledRule<unknown>): number {
  return pathClass(rule) === 2 ? (rule.path?.literalLength ?? 0) : 0
}
