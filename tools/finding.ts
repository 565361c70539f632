/** One breach of a rule of this repository: where, what, and what to do about it. */
export interface Finding {
  /** Path from the repository's root, with `/`. */
  readonly file: string
  /** From 1; 0 when the whole file is meant. */
  readonly line: number
  readonly what: string
  readonly remedy: string
}

/** Renders a finding as `file:line  what; what to do`. */
export function formatFinding(finding: Finding): string {
  const place = finding.line === 0 ? finding.file : `${finding.file}:${finding.line}`
  return `${place}  ${finding.what}; ${finding.remedy}`
}
