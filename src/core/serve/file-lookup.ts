import { read } from 'node:fs'
import type { Coding } from './accept-encoding.ts'
import { type Validators, validatorsOf } from './conditions.ts'
import { contentTypeOf, isCompressible } from './content-type.ts'
import type { FilePath } from './file-path.ts'
import { closeFile, type FileRoot, type Opened, type OpenFile } from './open-file.ts'

/** What is served for a path. */
export interface FoundFile {
  readonly kind: 'file'
  /** Open, for a file that is too large to be held; whoever takes it closes it. */
  readonly fd: number | null
  /** The whole of a small file. */
  readonly content: Buffer | null
  readonly size: number
  readonly validators: Validators
  readonly contentType: string
  /** How the bytes of the file are encoded; null when they are the content itself. */
  readonly coding: Coding | null
  /** Another client may get other bytes for the same path. */
  readonly varies: boolean
}

export type Found = FoundFile | { readonly kind: 'redirect' | 'absent' | 'forbidden' | 'busy' }

/** What the handler has been told about its folder. */
export interface LookupRules {
  readonly root: FileRoot
  readonly index: readonly string[]
  /** Names of the file that is served for what does not exist; null without one. */
  readonly fallback: readonly string[] | null
  readonly precompressed: boolean
}

/** A file up to this size is read at once. */
export const HELD_BYTES = 65_536
const ENDINGS: Readonly<Record<Coding, string>> = { zstd: '.zst', br: '.br', gzip: '.gz' }

/** Finds the file for a path: itself, a folder's index, or the fallback; then the best encoding of it. */
export async function findFile(rules: LookupRules, path: FilePath, codings: readonly Coding[]): Promise<Found> {
  const found = await findPlain(rules, path)
  if (found.kind !== 'absent' || rules.fallback === null) return encoded(rules, found, codings)
  return encoded(rules, named(await rules.root.open(rules.fallback), rules.fallback), codings)
}

interface Named {
  readonly kind: 'file'
  readonly file: OpenFile
  readonly names: readonly string[]
}

type FoundPlain = Named | { readonly kind: 'redirect' | 'absent' | 'forbidden' | 'busy' }

async function findPlain({ root, index }: LookupRules, { names, isFolder }: FilePath): Promise<FoundPlain> {
  const opened = await root.open(names)
  if (opened.kind === 'file' && isFolder) {
    closeFile(opened.fd)
    return { kind: 'absent' }
  }
  if (opened.kind !== 'folder') return named(opened, names)
  if (!isFolder) return { kind: 'redirect' }
  for (const name of index) {
    const inside = [...names, name]
    const page = named(await root.open(inside), inside)
    if (page.kind !== 'absent') return page
  }
  return { kind: 'absent' }
}

function named(opened: Opened, names: readonly string[]): FoundPlain {
  if (opened.kind === 'file') return { kind: 'file', file: opened, names }
  return { kind: opened.kind === 'folder' ? 'absent' : opened.kind }
}

async function encoded(rules: LookupRules, found: FoundPlain, codings: readonly Coding[]): Promise<Found> {
  if (found.kind !== 'file') return found
  const { file, names } = found
  const name = names.at(-1) ?? ''
  const contentType = contentTypeOf(name)
  const varies = rules.precompressed && isCompressible(contentType)
  if (varies) {
    for (const coding of codings) {
      const other = await rules.root.open([...names.slice(0, -1), name + ENDINGS[coding]])
      if (other.kind !== 'file') continue
      closeFile(file.fd)
      return taken(other, { contentType, coding, varies })
    }
  }
  return taken(file, { contentType, coding: null, varies })
}

/** With the content of a small file, which is then closed. */
async function taken(
  { fd, stats }: OpenFile,
  about: Pick<FoundFile, 'contentType' | 'coding' | 'varies'>,
): Promise<Found> {
  const { size } = stats
  const validators = validatorsOf(stats)
  if (size > HELD_BYTES) return { kind: 'file', fd, content: null, size, validators, ...about }
  try {
    const content = await readWhole(fd, size)
    // Shorter than it was a moment ago: somebody writes it just now.
    if (content.length < size) return { kind: 'busy' }
    return { kind: 'file', fd: null, content, size, validators, ...about }
  } finally {
    closeFile(fd)
  }
}

function readWhole(fd: number, size: number): Promise<Buffer> {
  return new Promise((done, fail) => {
    if (size === 0) return done(Buffer.alloc(0))
    read(fd, Buffer.allocUnsafeSlow(size), 0, size, 0, (error, bytes, buffer) => {
      if (error === null) done(bytes === size ? buffer : buffer.subarray(0, bytes))
      else fail(error)
    })
  })
}
