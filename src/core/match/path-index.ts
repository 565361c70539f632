/**
 * The rules of one host by their paths. Exact paths are in a map. Prefixes and globs hang in a radix tree at what every
 * path of theirs begins with, so a walk along the path meets those that can match and no others, and makes nothing:
 *
 *     /api ─┬─ /orders ── /*     prefix /api at the first node, glob /api/orders/* at the last
 *           └─ s
 *
 * What begins with nothing in particular (regular expressions, rules for every path) is asked one after the other.
 */
import type { CompiledRule } from './compiled-rule.ts'

const SLASH = 0x2f
const NEVER = Number.POSITIVE_INFINITY

interface Node<R> {
  /** What is added to the path at this node. */
  label: string
  /** By the first character of their labels; null at a leaf. */
  children: Map<number, Node<R>> | null
  /** Rules that match if a segment ends here. */
  prefixes: CompiledRule<R>[] | null
  /** Rules that may match whatever follows. */
  globs: CompiledRule<R>[] | null
}

export class PathIndex<R> {
  readonly #exact = new Map<string, CompiledRule<R>[]>()
  readonly #root: Node<R> = newNode('')
  /** Rules without a literal beginning, in the order of the table. */
  readonly open: CompiledRule<R>[] = []
  /** Lowest rank among the rules that are not exact. */
  patternRank = NEVER

  /** Adds a rule; they come in the order of the table, so every list is in that order too. */
  add(rule: CompiledRule<R>): void {
    const { path } = rule
    if (path !== null && path.kind === 'exact') {
      const list = this.#exact.get(path.literalStart)
      if (list === undefined) this.#exact.set(path.literalStart, [rule])
      else list.push(rule)
      return
    }
    this.patternRank = Math.min(this.patternRank, rule.rank)
    if (path === null || path.literalLength === 0) {
      this.open.push(rule)
      return
    }
    const node = nodeAt(this.#root, path.literalStart)
    if (path.kind === 'prefix') node.prefixes = [...(node.prefixes ?? []), rule]
    else node.globs = [...(node.globs ?? []), rule]
  }

  /** Rules of exactly this path. */
  exact(path: string): readonly CompiledRule<R>[] | undefined {
    return this.#exact.get(path)
  }

  /** Puts in the lists of prefixes that match and of globs that may, shortest literal first; returns how many. */
  collect(path: string, lists: (readonly CompiledRule<R>[])[]): number {
    let count = 0
    let node = this.#root
    let at = 0
    for (;;) {
      if (node.globs !== null) lists[count++] = node.globs
      if (node.prefixes !== null && (at === path.length || path.charCodeAt(at) === SLASH))
        lists[count++] = node.prefixes
      if (at >= path.length) return count
      const child = node.children?.get(path.charCodeAt(at))
      if (child === undefined || !path.startsWith(child.label, at)) return count
      node = child
      at += child.label.length
    }
  }
}

function newNode<R>(label: string): Node<R> {
  return { label, children: null, prefixes: null, globs: null }
}

/** The node of a text, made if there is none; a node whose label goes elsewhere is split where the two part. */
function nodeAt<R>(root: Node<R>, text: string): Node<R> {
  let node = root
  let at = 0
  while (at < text.length) {
    const first = text.charCodeAt(at)
    node.children ??= new Map()
    const child = node.children.get(first)
    if (child === undefined) {
      const leaf = newNode<R>(text.slice(at))
      node.children.set(first, leaf)
      return leaf
    }
    const common = commonLength(child.label, text, at)
    if (common < child.label.length) {
      const middle = newNode<R>(child.label.slice(0, common))
      child.label = child.label.slice(common)
      middle.children = new Map([[child.label.charCodeAt(0), child]])
      node.children.set(first, middle)
      node = middle
    } else node = child
    at += common
  }
  return node
}

function commonLength(label: string, text: string, from: number): number {
  let length = 0
  while (length < label.length && label.charCodeAt(length) === text.charCodeAt(from + length)) length++
  return length
}
