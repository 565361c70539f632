import type { DocumentPart } from '../ir/parts.ts'

/** The text of a document in a message, under its name and what is said of it. */
export function documentText({ name, context }: DocumentPart, text: string): string {
  const head = [name, context].filter((line) => line !== undefined).join('\n')
  return head === '' ? text : `${head}\n\n${text}`
}
