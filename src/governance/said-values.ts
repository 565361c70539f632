import type { Exchange } from '../core/index.ts'
import type { RequestValue } from './value-rules.ts'

/** What a client says of a request, as its record has it; null: nothing. */
export interface SaidValues {
  readonly session: string | null
  readonly end_user: string | null
  /** With commas between. */
  readonly tags: string | null
}

/** A record's field has no more characters; tags that go beyond it are left out, each as a whole. */
const MOST_CHARACTERS = 256
const MOST_OF_A_TAG = 64

/** The run that a request belongs to, as this gateway's clients call it, or those of the one whose runs it goes on with. */
export function runIdOf({ head }: Exchange): string | null {
  return head.get('x-ferro-run-id') ?? head.get('x-ferrum-run-id')
}

/** What the headers of a request say, and of what its body says that which rules have counted it by. */
export function saidValuesOf(x: Exchange, counted: readonly RequestValue[] | null): SaidValues {
  const { head } = x
  const session = head.get('x-ferro-session') ?? head.get('x-session-id') ?? countedAs(counted, 'session')
  const user = head.get('x-ferro-end-user') ?? countedAs(counted, 'end_user')
  const tags = head.get('x-ferro-tags')
  return { session: session || null, end_user: user || null, tags: tags === null ? null : tagsText(tags) }
}

function countedAs(counted: readonly RequestValue[] | null, by: 'session' | 'end_user'): string | null {
  return counted?.find((value) => value.by === by)?.value ?? null
}

function tagsText(header: string): string | null {
  const tags = new Set(header.split(',').map((tag) => tag.trim().slice(0, MOST_OF_A_TAG)))
  tags.delete('')
  let text = ''
  for (const tag of tags) {
    if (text.length + tag.length + 1 > MOST_CHARACTERS) break
    text += text === '' ? tag : `,${tag}`
  }
  return text === '' ? null : text
}
