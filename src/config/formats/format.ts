import type { Path, Position, Positions } from '../position.ts'

/** The formats of a configuration file. JSON may hold comments. */
export const FORMATS = ['yaml', 'json', 'toml'] as const
export type Format = (typeof FORMATS)[number]

/** Something that keeps a text from being one value: a syntax error, or a key that is there twice. */
export interface Fault {
  readonly position: Position
  /** Where in the document, when that is known. */
  readonly path: Path
  /** Never repeats a value of the text: it may be a secret. */
  readonly message: string
}

/** A text as plain data. `value` is undefined when the syntax is so broken that there is none. */
export interface Parsed {
  readonly value: unknown
  readonly faults: readonly Fault[]
  readonly positions: Positions
}

/** A parser of one format. Does not throw, except for what is a defect of this program. */
export type Parse = (text: string) => Parsed | Promise<Parsed>

const FORMAT_BY_EXTENSION: Readonly<Record<string, Format>> = {
  yaml: 'yaml',
  yml: 'yaml',
  json: 'json',
  jsonc: 'json',
  toml: 'toml',
}

/** The format that the extension of `path` names, or null. */
export function formatOf(path: string): Format | null {
  const extension = /\.([A-Za-z]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(FORMAT_BY_EXTENSION, extension) ? (FORMAT_BY_EXTENSION[extension] ?? null) : null
}

/** Loads the parser of one format; the others stay unloaded, which keeps start-up short. */
export async function loadParser(format: Format): Promise<Parse> {
  switch (format) {
    case 'yaml':
      return (await import('./yaml.ts')).parseYaml
    case 'json':
      return (await import('./json.ts')).parseJson
    case 'toml':
      return (await import('./toml.ts')).parseToml
  }
}
