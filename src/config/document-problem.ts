import { type ConfigError, configError, sortErrors } from './errors.ts'
import type { Path, Positions } from './position.ts'

/** Something in a valid document that cannot be put in force, found by whoever compiles it. */
export interface DocumentProblem {
  readonly path: Path
  readonly message: string
}

/** What `make` throws, as a problem of the part at `path`; nothing when it is content. */
export function problemsOf(path: Path, make: () => unknown): DocumentProblem[] {
  try {
    make()
    return []
  } catch (error) {
    return [{ path, message: error instanceof Error ? error.message : String(error) }]
  }
}

/** The problems of parts, with the path of what encloses them in front. */
export function within(path: Path, problems: readonly DocumentProblem[]): DocumentProblem[] {
  return problems.map((problem) => ({ ...problem, path: [...path, ...problem.path] }))
}

/** The places of problems in the text that the document was read from, in its order. */
export async function placeProblems(
  problems: readonly DocumentProblem[],
  { file, positions }: { readonly file: string; readonly positions: Positions },
): Promise<ConfigError[]> {
  if (problems.length === 0) return []
  const locate = await positions()
  const placed = problems.map(({ path, message }) => configError(file, { ...locate(path, 'value'), path }, { message }))
  return sortErrors(placed)
}
